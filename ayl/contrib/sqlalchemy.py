"""SQLAlchemy: mapped instances are named by their identity key and found in a session of the worker's own.

    from ayl.contrib import sqlalchemy as ayl_sqlalchemy
    ayl_sqlalchemy.bind(sessionmaker(engine))

Around each job one session is opened; it is committed when the call went well, rolled back when it raised, and
closed in any case.
"""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, cast

import sqlalchemy
from sqlalchemy.exc import (
    ArgumentError,
    DataError,
    InvalidRequestError,
    PendingRollbackError,
    ProgrammingError,
    ResourceClosedError,
    SQLAlchemyError,
)

from ayl.errors import CannotRun, NotConfigured, NotSaved, Unavailable
from ayl.references import prepare
from ayl.registry import registry

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

_factory: Callable[[], "Session"] | None = None

IMPOSSIBLE = (ArgumentError, InvalidRequestError, DataError, ProgrammingError, OverflowError, TypeError, ValueError)
"""What looking for a key raises that no row can have: to try again would not help."""


def bind(factory: Callable[[], "Session"]) -> None:
    """Which sessions a worker uses: a `sessionmaker`, or any callable that makes a new session."""
    global _factory
    _factory = factory


def session() -> "Session":
    """The session of the job that runs now; for static methods and functions. It is committed at the call's end.

    Raises RuntimeError outside of a job, NotConfigured if no factory was bound.
    """
    return cast("Session", prepare(LOCATOR))


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
        identity = state.identity
        return identity[0] if len(identity) == 1 else tuple(identity)

    def find(self, cls: type, keys: Sequence[object], opened: "Session") -> list[object | None]:
        return [_get(opened, cls, key) for key in keys]

    def open(self, stack: ExitStack) -> "Session":
        if _factory is None:
            raise NotConfigured(
                "a job needs an SQLAlchemy session and none was bound; add to the module that the worker loads:\n"
                "    ayl.contrib.sqlalchemy.bind(sessionmaker(engine))"
            )
        try:
            active = stack.enter_context(_factory())
            # Leaving begin() with the job's exception rolls back, without one it commits.
            stack.enter_context(active.begin())
        except (SQLAlchemyError, OSError) as error:
            raise Unavailable(f"no database session can be had: {error}") from error
        return active


def _get(opened: "Session", cls: type, key: object) -> object | None:
    try:
        return opened.get(cls, key)
    except (PendingRollbackError, ResourceClosedError):
        raise  # the connection's trouble, though SQLAlchemy files them with the impossible
    except IMPOSSIBLE as error:
        raise CannotRun(f"no {registry.model_names[cls]} can have the key {key!r}: {error}") from error


LOCATOR = SQLAlchemyLocator()
