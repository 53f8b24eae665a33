"""Ends calls whose time to run is over.

A watchdog thread raises `OutOfTime` in the thread of the call (Python's own way to do this is asynchronous: the
exception comes out at whatever the thread does next). It must never hit what runs after the call. So each thread has
one token. Whoever takes it may act: the watchdog, to shoot, or the call's own thread, to say that the call has ended.
A watchdog that has shot keeps the token until the call's thread has seen where the shot went:

    watchdog: take the token, shoot, say so                the thread: the call has ended; take the token
                                                             got it   nobody shoots any more; put it back
                                                             gone     wait for the shot, undo it if it has not hit,
                                                                      and put the token back

What runs in C and does not come back to Python (a query without a timeout, a lock that is waited for) cannot be ended:
the exception waits for it. Then the call may be given up: the watchdog tells who has set the limit, and the thread,
should it come back after all, stays where it is. Coroutines are cancelled by their event loop (`ayl.loops`), and only
shot later (`grace`).
"""

import os
import threading
import time
from _queue import Empty, SimpleQueue  # as queue has them, without the other queues and what those need
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import TypeVar
from weakref import ref

from ayl.errors import OutOfTime, TimeToRunExceeded

T = TypeVar("T")

GRACE = 1.0
"""Seconds that a coroutine has to end when it is cancelled."""

AGAIN_SECONDS = 0.001
"""Until the watchdog looks again at a thread that was just ending its call."""


class _Never(OutOfTime):
    """Is not raised."""


class Limit:
    """Of one call."""

    spent = False
    is_given_up = False
    """Or would have been, had it not ended in the same moment."""
    shot: type[OutOfTime] = _Never
    """A class of its own, so that it is not taken for the one of another call within or around."""
    reason = ""
    """Why it was ended, if it was not its time to run."""
    verdict: list[bool]
    """From the shot on. Whoever takes what is in it decides: the call has ended, or it is given up."""

    @property
    def grace(self) -> float:
        """Seconds that a coroutine has to end when it is cancelled."""
        return GRACE

    @property
    def patience(self) -> float:
        """Seconds after the deadline when the call is given up, if it has not ended by then."""
        return float("inf")

    def __init__(self, deadline: float, seconds: float) -> None:
        """`deadline`: of the monotonic clock. `seconds`: what is said to have been too short."""
        self.deadline = deadline
        self.seconds = seconds

    def give_up(self) -> None:
        """Called by the watchdog, once; the call's thread will not go on."""

    def say(self) -> str:
        """Why the call was ended."""
        return self.reason or f"the call took longer than {self.seconds:g} s, which is its time to run"

    def _ended(self) -> None:
        """After a shot: the call has ended. Does not come back if it was given up before."""
        try:
            self.verdict.pop()
        except IndexError:
            threading.Event().wait()


class _Record:
    """The calls of one thread, the outermost first. `pop` and `append` of a list are atomic, and so are its copies."""

    __slots__ = ("__weakref__", "gentle", "ident", "landed", "limits", "target", "token")

    def __init__(self) -> None:
        self.ident = threading.get_ident()
        self.limits: list[Limit] = []
        self.gentle = False
        """Whether there is a shot only after the limit's grace."""
        self.token = [True]
        self.target: Limit | None = None
        """Whose shot is under way, while the watchdog has the token."""
        self.landed = False

    def due(self, now: float) -> list[Limit]:
        return [limit for limit in [*self.limits] if not limit.spent and self.acts_at(limit) <= now]

    def acts_at(self, limit: Limit) -> float:
        """When the watchdog has to do something about it."""
        if limit.spent:
            return float("inf") if limit.is_given_up else limit.deadline + limit.patience
        return limit.deadline + limit.grace if self.gentle else limit.deadline

    def give_up_if_due(self, now: float) -> None:
        """What was shot at in vain."""
        for limit in [*self.limits]:
            if limit.spent and self.acts_at(limit) <= now:
                limit.is_given_up = True
                try:
                    limit.verdict.pop()
                except IndexError:
                    continue  # it has just ended
                limit.give_up()

    def end(self, limit: Limit) -> None:
        """The call has ended: from now on nothing hits its thread. May be said twice."""
        while limit in self.limits:
            try:
                self.token.pop()
            except IndexError:
                if self.target is None:  # the watchdog makes up its mind
                    time.sleep(0)
                    continue
                if self.target is not limit:
                    return  # the shot at an outer call, whose end will be this one's, too
                while not self.landed:
                    time.sleep(0)
                _raise_in(self.ident, None)
            self._forget(limit)
            return

    def _forget(self, limit: Limit) -> None:
        del self.limits[self.limits.index(limit) :]
        if not self.limits:
            self.gentle = False
        self.target = None
        self.token.append(True)

    def shoot_if_due(self, now: float) -> bool:
        """At the outermost call whose time is over. False if that cannot be done yet: the thread was just busy with the
        end of a call.
        """
        if not self.due(now):
            return True
        if not _can_raise():
            return False
        try:
            self.token.pop()
        except IndexError:
            return False
        due = self.due(now)
        if not due:
            self.token.append(True)
            return True
        limit = due[0]
        limit.verdict = [True]
        limit.spent = True
        limit.shot = type("OutOfTime", (OutOfTime,), {"__module__": OutOfTime.__module__})
        self.landed = False
        self.target = limit
        _raise_in(self.ident, limit.shot)
        self.landed = True
        return True


def limited(seconds: float, function: Callable[[], T]) -> T:
    """What `function` returns; TimeToRunExceeded if it takes longer than this. Calls within calls may have limits."""
    return within(Limit(monotonic() + seconds, seconds), function)


def within(limit: Limit, function: Callable[[], T]) -> T:
    """The same, with a limit that is used once."""
    record = _thread.record
    done = False
    try:
        try:
            _watchdog.watch(record, limit)
            result = function()
            done = True
        finally:
            try:
                record.end(limit)
            finally:
                if record.limits:
                    record.end(limit)  # the shot may have hit the line above
                if limit.spent:
                    limit._ended()
    except OutOfTime as error:
        if not isinstance(error, limit.shot):
            raise
        if not done:
            raise TimeToRunExceeded(limit.say()) from error
    return result


def hasten(limit: Limit, reason: str) -> None:
    """End the call now. May be said by any thread."""
    limit.reason = reason
    limit.deadline = monotonic()
    _watchdog.ring()


def countdown() -> Callable[[], float | None]:
    """What tells, in any thread, the seconds until the time of this thread's call is over, or of one around it; None if
    there is no limit.
    """
    limits = _thread.record.limits

    def left() -> float | None:
        deadline = min((limit.deadline for limit in [*limits]), default=float("inf"))
        return None if deadline == float("inf") else deadline - monotonic()

    return left


@contextmanager
def gently() -> Iterator[None]:
    """For who ends this thread's call in a gentler way when its time is over: a shot comes only later."""
    record = _thread.record
    before, record.gentle = record.gentle, True
    try:
        yield
    finally:
        record.gentle = before


@contextmanager
def unharmed() -> Iterator[None]:
    """Within this span this thread's call is not ended: in the middle of a question to a server, whose answer the next
    one would take for its own. It is ended with the span. No call with a limit of its own may be made within.
    """
    record = _thread.record
    has_token = False
    while not has_token:
        try:
            has_token = record.token.pop()
        except IndexError:
            if record.target is not None and record.landed:
                break  # it was ended before, and goes on all the same
            time.sleep(0)
    try:
        yield
    finally:
        if has_token:
            record.token.append(True)


class _Watchdog:
    """One thread for all calls, started with the first.

    It holds no lock that a call's thread takes: a shot at an outer call could hit that thread while it has it.
    """

    def __init__(self) -> None:
        self._records: list[ref[_Record]] = []
        self._bell: SimpleQueue[None] = SimpleQueue()
        self._wakes_at = 0.0
        self._starter = [True]

    def know(self, record: _Record) -> None:
        self._records.append(ref(record))

    def watch(self, record: _Record, limit: Limit) -> None:
        record.limits.append(limit)
        if limit.deadline < self._wakes_at:
            self._wakes_at = (
                limit.deadline
            )  # though it may have ended when the watchdog looks: then the next need not ring
            self.ring()
        elif self._starter:
            self._start()

    def ring(self) -> None:
        self._bell.put(None)

    def _start(self) -> None:
        try:
            self._starter.pop()
        except IndexError:
            return  # another thread was quicker
        try:
            threading.Thread(target=self._watch, name="ayl watchdog", daemon=True).start()
        except BaseException:
            self._starter.append(True)  # a call without a watchdog must fail, and not only the first one
            raise

    def _watch(self) -> None:
        while True:
            planned, self._wakes_at = self._wakes_at, float("inf")  # until this is computed, everybody rings
            records = self._living()
            nearest = min(
                (record.acts_at(limit) for record in records for limit in [*record.limits]),
                default=float("inf"),
            )
            now = monotonic()
            # Calls that have ended leave the plan as it is: then the next ones, which end later, need not ring.
            self._wakes_at = nearest = min(nearest, planned) if planned > now else nearest
            if nearest > now:
                self._rest(min(nearest - now, threading.TIMEOUT_MAX))
            missed = [not record.shoot_if_due(monotonic()) for record in records]
            for record in records:
                record.give_up_if_due(monotonic())
            if any(missed):
                time.sleep(AGAIN_SECONDS)

    def _rest(self, seconds: float) -> None:
        try:
            self._bell.get(timeout=seconds)
        except Empty:
            return

    def _living(self) -> list[_Record]:
        found = []
        for reference in [*self._records]:
            record = reference()
            if record is None:
                self._records.remove(reference)
            else:
                found.append(record)
        return found


class _Thread(threading.local):
    """What this thread is in the middle of."""

    def __init__(self) -> None:
        self.record = _Record()
        _watchdog.know(self.record)


def _can_raise() -> bool:
    """Load what it takes. It is half a megabyte, for the few processes in which a call overruns; and before a token is
    taken, because it may fail where descriptors or memory are used up. Then it is tried again.
    """
    try:
        import ctypes  # noqa: F401 - for `_raise_in`
    except (ImportError, OSError, MemoryError):
        return False
    return True


def _raise_in(ident: int, error: type[BaseException] | None) -> None:
    """Have this raised in a thread; None takes back what has not been raised yet."""
    import ctypes  # see `_can_raise`

    ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(ident), None if error is None else ctypes.py_object(error)
    )


_watchdog = _Watchdog()
_thread = _Thread()


def _begin_anew() -> None:
    """In a forked child: its thread goes on with its call, but the watchdog is gone, maybe with the token."""
    global _watchdog
    record = _thread.record
    record.landed = True
    if record.target is None:
        record.token = [True]
    _watchdog = _Watchdog()
    _watchdog.know(record)
    for limit in [*record.limits]:
        _watchdog.watch(record, limit)


os.register_at_fork(after_in_child=_begin_anew)
