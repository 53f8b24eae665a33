"""Mapped instances are named by their identity key, and found again in a session of the job's own."""

from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, cast

import sqlalchemy
from sqlalchemy import select, tuple_
from sqlalchemy.exc import (
    ArgumentError,
    DataError,
    InvalidRequestError,
    PendingRollbackError,
    ProgrammingError,
    ResourceClosedError,
)
from sqlalchemy.orm import Mapper, Session
from sqlalchemy.orm.state import InstanceState

from ayl.contrib.sqlalchemy.factories import DEFAULT, named
from ayl.contrib.sqlalchemy.sessions import Sessions
from ayl.errors import CannotRun, NotSaved
from ayl.references import prepare
from ayl.registry import registry

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

IMPOSSIBLE = (ArgumentError, InvalidRequestError, DataError, ProgrammingError, OverflowError, TypeError, ValueError)
"""What looking for a key raises that no row can have: to try again would not help."""

NO_SCHEMA = frozenset({"42P01", "42703", "3F000", "42501", 1146, 1054})
"""What PostgreSQL (SQLSTATE) and MySQL call a table, column or schema that is not there, or not open to this user.
These are ProgrammingErrors too, but no key is to blame: a worker that is ahead of its migration tries again.
"""

ROW_VALUES = frozenset({"postgresql", "sqlite", "mysql", "mariadb"})
"""Dialects that know `(a, b) IN ((1, 2), …)`."""


PORTION = 500
"""Keys in one query; some databases take no more than a thousand."""


def session(name: str = DEFAULT) -> Session:
    """The job's session of the factory of that name, for static methods and functions. It is committed when they end.

    In a plain method of a class whose factory is asynchronous: the synchronous face of the AsyncSession. Raises
    RuntimeError outside of a job, NotConfigured if no such factory was bound or an `async def` needs `async_session()`.
    """
    return cast("Sessions", prepare(LOCATOR)).synchronous(named(name))


def async_session(name: str = DEFAULT) -> "AsyncSession":
    """As `session()`, of a factory that makes AsyncSessions, in an `async def` method or function.

    Raises RuntimeError outside of a job, NotConfigured if no such factory was bound or no event loop runs.
    """
    return cast("Sessions", prepare(LOCATOR)).asynchronous(named(name))


class SQLAlchemyLocator:
    """Finds mapped instances."""

    def identify(self, obj: Any) -> object:
        # The key lies in the instance's state: reading it touches no attribute, so an expired or detached
        # instance is named without a query.
        state = sqlalchemy.inspect(obj)
        if not state.has_identity:
            raise NotSaved(
                f"is of type {type(obj).__qualname__} and has no identity yet: session.add() it and flush() or "
                "commit() before sending"
            )
        if state.was_deleted or state.deleted or (state.session is not None and obj in state.session.deleted):
            raise NotSaved(
                f"is of type {type(obj).__qualname__} and is deleted, so no worker could find it: send what the call "
                "needs of it instead"
            )
        return _key(state)

    def find(self, cls: type, keys: Sequence[object], opened: Sessions) -> list[object | None]:
        where = opened.of(cls)
        try:
            together = _together(where, cls, keys) if len(keys) > 1 else {}
            # One that was not found together may be there all the same: the database may take "3" for 3.
            return [together.get(key) or where.get(cls, key) for key in keys]
        except (PendingRollbackError, ResourceClosedError):
            raise  # the connection's trouble, though SQLAlchemy files them with the impossible
        except IMPOSSIBLE as error:
            if _lacks_schema(error):
                raise
            raise CannotRun(f"no {registry.model_names[cls]} can have the key {_shown(keys)}: {error}") from error

    def open(self, stack: ExitStack) -> Sessions:
        """Sessions are opened when they are first needed."""
        return Sessions(stack)


def _lacks_schema(error: Exception) -> bool:
    told = getattr(error, "orig", None)  # by the driver: psycopg and asyncpg, psycopg2, MySQL's
    codes = (getattr(told, "sqlstate", None), getattr(told, "pgcode", None), *getattr(told, "args", ())[:1])
    return any(code in NO_SCHEMA for code in codes)


def _key(state: InstanceState[Any]) -> object:
    """As messages hold it: of a composite one the columns' values, in their order."""
    identity = state.identity
    assert identity is not None  # noqa: S101 - who calls knows that it has one
    return identity[0] if len(identity) == 1 else tuple(identity)


def _together(where: Session, cls: type, keys: Sequence[object]) -> dict[object, object]:
    """The objects of these keys, by key, in few queries; none at all where the database cannot be asked so."""
    mapper: Mapper[Any] = sqlalchemy.inspect(cls)
    columns = [mapper.get_property_by_column(column).class_attribute for column in mapper.primary_key]
    if len(columns) > 1 and where.get_bind(mapper).dialect.name not in ROW_VALUES:
        return {}
    key: Any = columns[0] if len(columns) == 1 else tuple_(*columns)
    found: list[Any] = []
    for start in range(0, len(keys), PORTION):
        found += where.scalars(select(cls).where(key.in_(keys[start : start + PORTION]))).unique()
    return {_key(sqlalchemy.inspect(obj)): obj for obj in found}


def _shown(keys: Sequence[object]) -> str:
    return repr(keys[0]) if len(keys) == 1 else f"that is one of {', '.join(map(repr, keys[:3]))}"


LOCATOR = SQLAlchemyLocator()
