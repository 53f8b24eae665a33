"""SQLAlchemy: mapped instances are named by their identity key and found in a session of the worker's own.

    from ayl.contrib import sqlalchemy as ayl_sqlalchemy
    ayl_sqlalchemy.bind(sessionmaker(engine))

Around each job one session is opened; it is committed when the call went well, rolled back when it raised, and
closed in any case.
"""

from collections.abc import Callable
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, cast

import sqlalchemy
from sqlalchemy.exc import SQLAlchemyError

from ayl.errors import Gone, NotConfigured, NotSaved, Unavailable
from ayl.references import prepare
from ayl.registry import registry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.orm import Session

_factory: Callable[[], "Session"] | None = None
_session: ContextVar["Session | None"] = ContextVar("ayl_sqlalchemy_session", default=None)


def bind(factory: Callable[[], "Session"]) -> None:
    """Which sessions a worker uses: a `sessionmaker`, or any callable that makes a new session."""
    global _factory
    _factory = factory


def session() -> "Session":
    """The session of the job that runs now; for static methods and functions. It is committed at the call's end.

    Raises RuntimeError outside of a job, NotConfigured if no factory was bound.
    """
    prepare(LOCATOR)
    return cast("Session", _session.get())


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

    def find(self, cls: type, key: object) -> object:
        active = cast("Session", _session.get())
        try:
            found: object = active.get(cls, key)
        except SQLAlchemyError as error:
            raise Unavailable(f"{registry.model_names[cls]} {key!r} cannot be looked for: {error}") from error
        if found is None:
            raise Gone(f"{registry.model_names[cls]} {key!r} exists no more")
        return found

    def open(self, stack: ExitStack) -> None:
        if _factory is None:
            raise NotConfigured(
                "a job needs an SQLAlchemy session and none was bound; add to the module that the worker loads:\n"
                "    ayl.contrib.sqlalchemy.bind(sessionmaker(engine))"
            )
        stack.enter_context(_job_session(_factory))


@contextmanager
def _job_session(factory: Callable[[], "Session"]) -> "Iterator[None]":
    # Leaving begin() with the job's exception rolls back, without one it commits.
    with factory() as active, active.begin():
        token = _session.set(active)
        try:
            yield
        finally:
            _session.reset(token)


LOCATOR = SQLAlchemyLocator()
