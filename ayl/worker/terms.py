"""How long each call may take: its lease, what is left of that for settling, and who ends it when.

A call is ended `spare` seconds before its lease ends, so that there is time to settle it:

    |<------------------ time to run, from the reserve ------------------->|
    |                                        |<---------- spare ---------->|
    the call begins           it is ended    +1/3            +2/3       +5/6

At first by an exception in its thread; a coroutine is cancelled and has a third of the spare time for its end. Who has
not ended by 2/3 cannot be interrupted: its job is settled from another thread, and the process ends. Where not even
that is possible, because the call holds the interpreter lock, the supervisor kills the process (5/6).
"""

import faulthandler
import logging
import sys
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from contextvars import Token
from functools import partial
from time import monotonic
from typing import Any, Protocol, TypeVar

from ayl import message as messages
from ayl.engines.base import Lease
from ayl.errors import TimeToRunExceeded, Unreachable
from ayl.life import Life, Standing
from ayl.limits import Limit, hasten, unharmed, within
from ayl.message import Message
from ayl.running import Running, Shown, Stopping, shown
from ayl.worker import exits
from ayl.worker.alone import PATIENCE, Alone
from ayl.worker.deadlines import Deadlines
from ayl.worker.elsewhere import Call, Elsewhere
from ayl.worker.fingerprints import fingerprint
from ayl.worker.keeper import Keeper, Keeps
from ayl.worker.parting import part

T = TypeVar("T")

log = logging.getLogger("ayl.worker")

MOST_SPARE = 2.0
"""Seconds."""

SPARE_PART = 0.25
"""Of the time to run, if that is less."""

TOUCHES = 3
"""How often a lease that is kept alive is renewed in its time to run."""

PARTING_SECONDS = 2.0
"""For what a process still does that has given up a call."""

Fail = Callable[[Lease, Message, Life, BaseException, float], None]
"""Settles the job of a call that ended with this after so many seconds."""


class Term(Limit):
    """Of one call. What most calls do not need is made when it is asked for."""

    _lock: "threading.RLock | None" = None
    """There is one once anybody else than the call's own thread may ask or renew."""
    _running: Running | None = None
    _is_over = False

    def __init__(self, slot: "Slot", lease: Lease, message: Message, life: Life, seconds: int) -> None:
        """`seconds`: the time to run."""
        self.seconds = seconds
        self.lease = lease
        self.message = message
        self.life = life
        self._slot = slot
        self._spare = seconds * SPARE_PART if seconds < MOST_SPARE / SPARE_PART else MOST_SPARE
        self._limit = float("inf")
        if message.time_limit:
            self._limit = monotonic() + message.time_limit
        self._prolong(lease.since)

    def _prolong(self, now: float) -> None:
        """The lease has begun anew now, or after it."""
        end = now + self.seconds - self._spare
        self.deadline = self._limit if self._limit < end or self.message.keep_alive else end
        self.touch_at = now + self.seconds / TOUCHES
        is_sure = self.message.keep_alive and self._slot.is_kept_apart
        self._slot.kill_at((self.deadline if is_sure or self.deadline < end else end) + self._spare * 5 / 6)

    @property
    def grace(self) -> float:
        return self._spare / 3

    @property
    def patience(self) -> float:
        return self._spare * 2 / 3

    def show(self) -> Running:
        """To the call's code."""
        if self._running is None:
            self.share()
            self._running = Running(self.message, self.life, self, self._slot.stopping)
        return self._running

    def share(self) -> "threading.RLock":
        """From now on other threads may use it."""
        if self._lock is None:
            self._lock = threading.RLock()
        return self._lock

    def end(self) -> None:
        """From now on the connection is not the call's any more, whoever still has hold of this."""
        self._is_over = True  # first: who makes a lock after the next line sees it
        if self._lock is not None:
            with self._lock:
                self._running = None  # which has this

    def taken(self) -> float:
        """Seconds since its lease began."""
        return monotonic() - self.lease.since

    @property
    def progress(self) -> float | str | None:
        """What the call has said of that."""
        return None if self._running is None else self._running.said

    def left(self) -> float:
        return self.deadline - monotonic()

    def standing(self) -> Standing | None:
        with self.share():
            if self._is_over:
                raise RuntimeError("the call has ended; ask while it runs")
            with unharmed():
                return self.lease.standing()

    def touch(self) -> bool:
        with self.share():
            now = monotonic()
            held = False
            if not self._is_over:
                with suppress(Unreachable), unharmed():
                    held = self.lease.touch()
                if held:
                    self._prolong(now)
                else:
                    self.lose()
            return held

    def lose(self) -> None:
        """The lease is lost: end the call. May be said by any thread."""
        hasten(self, "its lease is lost, so that another worker may make this call by now")

    def say(self) -> str:
        if not self.reason and self.deadline == self._limit:
            return f"the call took longer than {self.message.time_limit} s, which is its time limit"
        return super().say()

    def give_up(self) -> None:
        self._slot.give_up(self)


class Slot:
    """Of one consumer: one call at a time."""

    def __init__(self, number: int, terms: "Terms", lighten: Callable[[], object]) -> None:
        self._number = number
        self._terms = terms
        self.stopping = terms.stopping
        self.is_kept_apart = terms.keeper.is_apart
        self.kill_at = partial(terms.deadlines.put, number)
        """If the call is not over by then (monotonic clock), the supervisor ends the process."""
        self._is_begun = partial(terms.deadlines.begin, number)
        self._clear = partial(terms.deadlines.clear, number)
        self._is_alone = False
        self.lighten = lighten
        """Gives back what is in hand and nobody has begun with."""
        self.term: Term | None = None
        """The call that runs."""

    def make(self, lease: Lease, message: Message, life: Life, call: Callable[[], T]) -> T:
        """What `call` returns. TimeToRunExceeded if it took too long, and what else it raises."""
        term, token = self._begin(lease, message, life)
        try:
            return within(term, call)
        finally:
            self._end(term, token)

    async def make_on_loop(self, lease: Lease, message: Message, life: Life, call: Coroutine[Any, Any, None]) -> None:
        """The same on an event loop. A call that does not let itself be cancelled is the supervisor's affair."""
        from ayl.loops import cancelled_in_time  # asyncio takes long to load

        term, token = self._begin(lease, message, life)
        try:
            await cancelled_in_time(term.left, call)
        finally:
            self._end(term, token)

    def _begin(self, lease: Lease, message: Message, life: Life) -> tuple[Term, Token[Shown | None]]:
        seconds = message.time_to_run
        if not seconds:  # another sender's, who does not tell
            standing = lease.standing()
            seconds = standing.time_to_run if standing is not None else 1
        self._is_begun(fingerprint(lease.job_id, lease.body))  # first, for with its term it is supervised
        self.term = term = Term(self, lease, message, life, seconds)
        if (titles := self._terms.titles) is not None and titles.is_asleep:
            titles.ring()
        token = shown.set(term)
        if message.keep_alive:
            term.share()
            self._terms.keeper.keep(term)
        return term, token

    def _end(self, term: Term, token: Token[Shown | None]) -> None:
        term.end()
        shown.reset(token)
        self.term = None
        self._clear()
        if term.message.keep_alive:
            self._terms.keeper.leave(term)

    @property
    def is_sole(self) -> bool:
        """Whether there is no other, so that nobody has to wait for `be_alone`."""
        return self._terms.seat.is_sole

    def be_alone(self, patience: float) -> bool:
        """Until `be_back`, make no other call in this process; False if another slot does just that. Waits so many
        seconds for calls that run.
        """
        self._is_alone = self._terms.seat.begin(min(patience, PATIENCE))
        return self._is_alone

    def be_back(self) -> None:
        """Nothing of it, if it was not alone."""
        if self._is_alone:
            self._is_alone = False
            self._terms.seat.end()

    def has_overrun(self, lease: Lease) -> bool:
        """Whether a process had to be killed because the call of this job did not end."""
        deadlines = self._terms.deadlines
        return deadlines.knows_overruns and deadlines.has_overrun(fingerprint(lease.job_id, lease.body))

    def give_up(self, term: Term) -> None:
        """The process ends."""
        self.kill_at(monotonic() + PARTING_SECONDS)
        self._terms.end_process(self, term)

    def give_back(self) -> None:
        """Whatever the consumer has, for other workers."""
        self.lighten()
        if (term := self.term) is not None:
            with suppress(Unreachable):
                term.lease.release(0)


class Titles(Protocol):
    """Who shows what runs."""

    @property
    def is_asleep(self) -> bool:
        """Whether it is to be told that a call has begun."""

    def ring(self) -> None:
        """One has."""


class Seat(Protocol):
    """For one call that is made alone; see `ayl.worker.alone`."""

    @property
    def is_sole(self) -> bool: ...

    def begin(self, patience: float) -> bool: ...

    def end(self) -> None: ...


class Terms:
    """Of one worker process."""

    def __init__(self, deadlines: Deadlines, stopping: Stopping, fail: Fail, keeper: Keeps | None = None) -> None:
        self.deadlines = deadlines
        self.stopping = stopping
        self.keeper = keeper or Keeper()
        self.alone = Alone()
        self.seat: Seat = self.alone
        """Whom to ask that a call be alone in its process, and in those that end with it."""
        self._fail = fail
        self._slots: list[Slot] = []
        self.others: list[Elsewhere] = []
        """Slots whose calls run in other processes: they end with this one."""
        self.titles: Titles | None = None
        """Who is to know when a call begins."""

    def slot(self, lighten: Callable[[], object]) -> Slot:
        """For another consumer."""
        slot = Slot(len(self._slots) + 1, self, lighten)
        self._slots.append(slot)
        return slot

    def running(self) -> list[Call]:
        """The calls that run now, those in other processes too."""
        calls = [*(slot.term for slot in self._slots), *(other.call for other in self.others)]
        return [call for call in calls if call is not None]

    def lose(self) -> None:
        """The leases of all calls are lost."""
        for slot in self._slots:
            if (term := slot.term) is not None:
                term.lose()

    def end_process(self, slot: Slot, term: Term) -> None:
        """From another thread than that of the call, which does not let itself be interrupted."""
        try:
            log.critical(
                "job %d %s cannot be interrupted, so this process ends: %s",
                term.lease.job_id, messages.human(term.message)[:200], term.say(),
            )  # fmt: skip
            faulthandler.dump_traceback(sys.stderr, all_threads=True)
            slot.lighten()
            for other in self._slots:
                if other is not slot:
                    other.give_back()
            for beside in self.others:
                beside.give_back()
            self._fail(term.lease, term.message, term.life, TimeToRunExceeded(term.say()), term.taken())
        except BaseException:
            log.exception("what was in hand is left to the server")
        finally:
            part(exits.OVERRAN)
