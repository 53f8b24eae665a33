"""Messages whose transaction has ended leave, from wherever that was told."""

import asyncio
import atexit
import logging
from collections.abc import Callable
from queue import Empty, SimpleQueue

from sqlalchemy.util import await_only

from ayl import commits
from ayl.contrib.sqlalchemy.ledger import Ending
from ayl.contrib.sqlalchemy.sessions import in_greenlet

log = logging.getLogger("ayl.contrib.sqlalchemy")

_left_behind: SimpleQueue[Ending] = SimpleQueue()


def leave(ending: Ending) -> None:
    """Send what leaves, and tell of what was lost. Raises what the sends raise, when all were tried.

    In a coroutine's session the event loop goes on meanwhile.
    """
    _tell_of_lost(ending)
    if not ending.leaving:
        return
    if in_greenlet():
        await_only(asyncio.to_thread(commits.leave, ending.leaving))
    else:
        commits.leave(ending.leaving)


def leave_later(ending: Ending) -> None:
    """As `leave`, from a finaliser: that may run at any moment, also while this thread is at sending."""
    _left_behind.put(ending)


def catch_up() -> None:
    """Send what was left behind; what does not go well is logged, for it is nobody's here."""
    while not _left_behind.empty():
        try:
            ending = _left_behind.get_nowait()
        except Empty:  # another thread was quicker
            return
        try:
            leave(ending)
        except Exception:
            log.exception("a call whose session was never closed could not be sent")


def forget() -> None:
    """In the child of a fork: what was left behind is the parent's to send."""
    global _left_behind
    _left_behind = SimpleQueue()


def at_exit(end_all: Callable[[], None]) -> None:
    """When the process ends: first that, then whatever is left behind by it."""

    def end() -> None:
        end_all()
        catch_up()

    atexit.register(end)


def _tell_of_lost(ending: Ending) -> None:
    if ending.lost:
        log.warning(
            "a session was closed without a commit, which undoes its changes; with them %d call%s dropped",
            ending.lost,
            " was" if ending.lost == 1 else "s were",
        )
