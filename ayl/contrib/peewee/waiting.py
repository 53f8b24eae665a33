"""What waits for the commits of peewee's databases, and how it leaves."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any

import peewee

from ayl.commits import at_last, leave


class Held(list[Callable[[], None]]):
    """What waits for the commit of one transaction. It lies among the commit callbacks of peewee's own state of the
    connection, and so lives as long as the connection, in the thread or task that has it.
    """

    __slots__ = ("connection",)

    def __init__(self, connection: object) -> None:
        super().__init__()
        self.connection = connection

    def __call__(self) -> None:
        """The commit has come. Peewee calls this too, when mostly nothing waits any more."""
        waiting, self[:] = [*self], ()
        due = _due.get()
        if due is None:
            leave(waiting)
        else:
            due += waiting


def behind_proxies(database: Any) -> Any:
    """The database itself; None for a DatabaseProxy that has none yet."""
    while isinstance(database, peewee.Proxy):
        database = database.obj
    return database


def held_of(database: Any) -> Held | None:
    """What waits in this thread or task for a commit of this database."""
    state = database._state
    callbacks = getattr(state, "commit_callbacks", None)
    if callbacks is None:  # peewee 3
        held = getattr(state, "ayl_held", None)
        return held if isinstance(held, Held) and held.connection is state.conn else None
    for callback in callbacks:
        if type(callback) is Held:
            return callback
    return None


def holding(database: Any) -> Held:
    """The same, made if there is none."""
    held = held_of(database)
    if held is None:
        state = database._state
        held = Held(state.conn)
        callbacks = getattr(state, "commit_callbacks", None)
        if callbacks is None:
            state.ayl_held = held
        else:
            callbacks.append(held)
    return held


def drop(database: Any) -> None:
    """It was rolled back: what waits for it is let go of."""
    held = held_of(database)
    if held is not None:
        held.clear()


def release(database: Any) -> None:
    """It was committed: what waits for it leaves when peewee has done all of its own."""
    held = held_of(database)
    if held:
        held()


_due: ContextVar[list[Callable[[], None]] | None] = ContextVar("ayl_peewee_due", default=None)


@contextmanager
def afterwards() -> Iterator[None]:
    """What is released within leaves at the end, and raises there if it cannot be sent. Earlier, peewee would take that
    for a failed commit, and roll back what is committed.
    """
    if _due.get() is not None:
        yield
        return
    due: list[Callable[[], None]] = []
    with at_last(partial(leave, due)):
        token = _due.set(due)
        try:
            yield
        finally:
            _due.reset(token)
