"""Sends wait for the commit of the transaction that they are made in.

Each ORM's module in `ayl.contrib` brings a watcher, which knows whether a transaction is open where a call is sent.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

from ayl.batches import batch, open_batch
from ayl.delivery import deliver_one
from ayl.frameworks import load
from ayl.handle import State

if TYPE_CHECKING:
    from ayl.engines.submissions import Parcel

OnCommit = Callable[[Callable[[], None]], object]
"""Of one open transaction: have a function called after its commit, in order; let go of it uncalled at a rollback.

A savepoint counts: what is handed over within it is let go of when it is rolled back.
"""

Watcher = Callable[[Sequence[object]], Sequence[OnCommit]]
"""Answers, given stored objects, with the open transactions of their sessions or databases; given none, with those that
are open in this thread or asyncio task, if a call which names nothing has to wait for them.
"""

WATCHERS: list[Watcher] = []
"""In the order in which they are asked."""


def hold(parcel: "Parcel", named: Sequence[object], *, after_commit: bool) -> bool:
    """Whether the message has to wait: for the commit of its transaction, or in a batch. Either sees to it then.

    `named`: the stored objects that the call names.
    """
    load()
    if after_commit and WATCHERS and (transactions := open_transactions(named)):
        parcel.handle.state = State.UNCOMMITTED
        waiting = Waiting(parcel, len(transactions))
        for on_commit in transactions:
            on_commit(waiting)
        return True
    joined = open_batch()
    if joined is None:
        return False
    joined.add(parcel)
    return True


class Waiting:
    """A message that waits for a commit, or for several: to be called at each, or to be let go of."""

    __slots__ = ("_commits", "parcel")

    def __init__(self, parcel: "Parcel", commits: int) -> None:
        self.parcel = parcel
        self._commits = commits

    def __call__(self) -> None:
        """Send it, at the last of the commits. Raises what `deliver_one` does."""
        self._commits -= 1
        parcel = self.parcel
        if self._commits > 0 or parcel.handle.state is not State.UNCOMMITTED:
            return  # or it was cancelled meanwhile
        joined = open_batch()
        if joined is None:
            deliver_one(parcel)
        else:
            parcel.handle.state = State.BATCHED
            joined.add(parcel)
            if joined.full:
                joined.flush()

    def __del__(self) -> None:
        # Frameworks tell nobody that they forget what waits for a commit; they just let go of it.
        handle = self.parcel.handle
        if handle.state is State.UNCOMMITTED:
            handle.state = State.DROPPED


def leave(waiting: Sequence[Callable[[], None]]) -> None:
    """What waited for a commit, in order and in few writes. All are tried; then what the first raised is raised."""
    with batch() if len(waiting) > 1 and open_batch() is None else nullcontext():
        for function in waiting:
            function()


@contextmanager
def at_last(send: Callable[[], None]) -> Iterator[None]:
    """`send` is called at the end of the span, also if that raises; its own error is the one that comes out then."""
    try:
        yield
    except BaseException as error:
        try:
            send()
        except Exception as refusal:  # noqa: BLE001 - told with the span's own
            error.add_note(f"and what waited for the commit could not be sent: {refusal}")
        raise
    send()


def open_transactions(named: Sequence[object]) -> Sequence[OnCommit]:
    """The transactions that a call which names these objects must wait for; all of them, of ORMs that are loaded.

    What the call is about goes before where it is made: an object's own transaction counts, whichever ORM's it is, and
    only without such the one that happens to be open here.
    """
    if _unwatched:
        return ()
    if named and (theirs := [transaction for watcher in WATCHERS for transaction in watcher(named)]):
        return theirs
    for watcher in WATCHERS:
        if present := watcher(()):
            return present
    return ()


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
