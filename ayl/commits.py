"""Sends wait for the commit of the transaction that they are made in.

Each ORM's module in `ayl.contrib` brings a watcher, which knows whether a transaction is open where a call is sent.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from ayl.batches import open_batch
from ayl.delivery import Parcel, deliver_one
from ayl.frameworks import load
from ayl.handle import State

OnCommit = Callable[[Callable[[], None]], object]
"""Of one open transaction: have a function called after its commit, in order; let go of it uncalled at a rollback.

A savepoint counts: what is handed over within it is let go of when it is rolled back.
"""

Watcher = Callable[[Sequence[object]], OnCommit | None]
"""Answers, given the stored objects that a call names, with the transaction it has to wait for; None if there is none.

Objects that belong to a session or database with an open transaction decide; without such, the transaction that is
open in this thread or asyncio task.
"""

WATCHERS: list[Watcher] = []
"""In the order in which they are asked."""


def hold(parcel: Parcel, named: Sequence[object], *, after_commit: bool) -> bool:
    """Whether the message has to wait: for the commit of its transaction, or in a batch. Either sees to it then.

    `named`: the stored objects that the call names.
    """
    if after_commit and (on_commit := open_transaction(named)) is not None:
        parcel.handle.state = State.UNCOMMITTED
        on_commit(Waiting(parcel))
        return True
    batch = open_batch()
    if batch is None:
        return False
    batch.add(parcel)
    return True


class Waiting:
    """A message that waits for a commit: to be called then, or to be let go of."""

    __slots__ = ("parcel",)

    def __init__(self, parcel: Parcel) -> None:
        self.parcel = parcel

    def __call__(self) -> None:
        """Send it. Raises NotSubmitted if no server takes it."""
        parcel = self.parcel
        if parcel.handle.state is not State.UNCOMMITTED:
            return  # cancelled meanwhile
        batch = open_batch()
        if batch is None:
            deliver_one(parcel)
        else:
            parcel.handle.state = State.BATCHED
            batch.add(parcel)
            if batch.full:
                batch.flush()

    def __del__(self) -> None:
        # Frameworks tell nobody that they forget what waits for a commit; they just let go of it.
        handle = self.parcel.handle
        if handle.state is State.UNCOMMITTED:
            handle.state = State.DROPPED


def open_transaction(named: Sequence[object]) -> OnCommit | None:
    """The transaction that a call which names these objects must wait for."""
    if _unwatched:
        return None
    load()
    for watcher in WATCHERS:
        on_commit = watcher(named)
        if on_commit is not None:
            return on_commit
    return None


_unwatched = False


@contextmanager
def unwatched() -> Iterator[None]:
    """Within this span no send of the process waits for a commit; for tests whose transactions never commit."""
    global _unwatched
    before, _unwatched = _unwatched, True
    try:
        yield
    finally:
        _unwatched = before
