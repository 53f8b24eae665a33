"""The sessions of one job: opened when they are first needed, committed or rolled back at its end, and closed."""

import logging
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any

from sqlalchemy import event
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session
from sqlalchemy.util import concurrency

from ayl.contrib.sqlalchemy.factories import Bound, serving
from ayl.errors import Bury, NotConfigured, NotSubmitted, Unavailable
from ayl.references import loop_stack

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession


log = logging.getLogger("ayl.contrib.sqlalchemy")

UNSENT = "what the call has done is committed, but what it has sent was not taken"

OF_ANOTHER_LOOP = ("attached to a different loop", "Event loop is closed")
"""What asyncio says of a connection that was made on an event loop which is not, or no more, the one that runs."""


def in_greenlet() -> bool:
    """Whether this is synchronous code that SQLAlchemy runs for a coroutine, so that it may wait for the event loop."""
    return "greenlet" in sys.modules and concurrency.in_greenlet()


class Sessions:
    """What one job has opened, by the factories' names."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._opened: dict[str, Session] = {}
        self._asynchronous: dict[str, AsyncSession] = {}
        self._refusals: list[NotSubmitted] = []
        stack.push(self._tell)  # when all sessions have ended

    def latest(self) -> Session | None:
        """The session with an open transaction that was opened last."""
        return next((session for session in reversed(self._opened.values()) if session.in_transaction()), None)

    def has(self, session: Session) -> bool:
        """Whether it is one of these."""
        return session in self._opened.values()

    def of(self, cls: type) -> Session:
        """In which objects of a mapped class are found."""
        return self.synchronous(serving(cls))

    def synchronous(self, bound: Bound) -> Session:
        """NotConfigured if this factory's sessions are asynchronous and the code cannot wait for an event loop."""
        if bound.asynchronous:
            if not in_greenlet():
                raise NotConfigured(
                    f"the factory {bound.name!r} makes AsyncSessions: use ayl.contrib.sqlalchemy.async_session() in an "
                    "`async def` method or function"
                )
            self.asynchronous(bound)
        elif bound.name not in self._opened:
            self._opened[bound.name] = self._open(bound)
        return self._opened[bound.name]

    def asynchronous(self, bound: Bound) -> "AsyncSession":
        """NotConfigured if this factory's sessions are not, or without an event loop."""
        if not bound.asynchronous:
            raise NotConfigured(
                f"the factory {bound.name!r} makes no AsyncSessions: bind an async_sessionmaker, or use "
                "ayl.contrib.sqlalchemy.session()"
            )
        if bound.name not in self._asynchronous:
            self._asynchronous[bound.name] = opened = self._open_on_loop(bound)
            self._opened[bound.name] = opened.sync_session
        return self._asynchronous[bound.name]

    def _open(self, bound: Bound) -> Session:
        try:
            made = bound.factory()
            if not isinstance(made, Session):
                raise NotConfigured(
                    f"the factory {bound.name!r} made a {type(made).__qualname__}, which is no Session; for "
                    "AsyncSessions bind an async_sessionmaker"
                )
            self._stack.enter_context(_in_place(bound.scope, made))
            active = self._stack.enter_context(made)
            self._stack.push(partial(self._end, active))
            # Not as `with active.begin()`: a long call may commit what it has got so far.
            active.begin()
        except (SQLAlchemyError, OSError) as error:
            raise Unavailable(f"no database session can be had: {error}") from error
        return active

    def _open_on_loop(self, bound: Bound) -> "AsyncSession":
        stack = loop_stack()
        if stack is None:
            raise NotConfigured(
                f"the factory {bound.name!r} makes AsyncSessions, which take an event loop: make the method or "
                "function that needs them an `async def`"
            )
        active: AsyncSession = bound.factory()
        stack.enter_context(_in_place(bound.scope, active))
        stack.push_async_exit(partial(self._end_on_loop, active))
        active.sync_session.begin()  # asks the database nothing yet
        return active

    def _end(
        self,
        session: Session,
        _kind: type[BaseException] | None,
        error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        if error is None:
            with self._noted(session):
                session.commit()
        else:
            session.rollback()

    async def _end_on_loop(
        self,
        session: "AsyncSession",
        _kind: type[BaseException] | None,
        error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        if error is not None and any(sign in str(error) for sign in OF_ANOTHER_LOOP):
            error.add_note(
                "ayl: this engine's pool keeps connections of another event loop. A call that is made in place or in a "
                "thread has a loop of its own: there, use create_async_engine(…, poolclass=NullPool)"
            )
        async with session:
            if error is None:
                with self._noted(session.sync_session):
                    await session.commit()
            else:
                await session.rollback()

    @contextmanager
    def _noted(self, session: Session) -> Iterator[None]:
        """A commit stands, whatever becomes of the messages that waited for it; it rolls back no other session's."""
        committed: list[Session] = []
        event.listen(session, "after_commit", committed.append)  # the session is this job's, and ends with it
        try:
            yield
        except NotSubmitted as refusal:
            if not committed:  # a hook has sent before, and at once
                raise
            self._refusals.append(refusal)

    def _tell(
        self, _kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        # To make the call again would do again what is committed, and might not even send. If another session has
        # failed, that cannot be helped.
        if error is None and self._refusals:
            raise Bury(f"{UNSENT}: {self._refusals[0]}") from self._refusals[0]
        for refusal in self._refusals:
            log.error("%s: %s", UNSENT, refusal)


@contextmanager
def _in_place(scope: Any, session: object) -> Iterator[None]:
    """In this span the scoped session, which the app's code may use everywhere, is the job's."""
    if scope is None:
        yield
        return
    registry = scope.registry
    before = registry() if registry.has() else None
    registry.set(session)
    try:
        yield
    finally:
        if before is None:
            registry.clear()
        else:
            registry.set(before)
