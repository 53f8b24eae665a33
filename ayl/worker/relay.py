"""A process slot: its child makes the calls, and this thread of the worker process has the connection.

The child asks for jobs and has them settled, over a socket pair; the failure policy is at work there. When the child
dies, shared memory tells which job that was: what is left is settled here, at once and by the same policy.
"""

import logging
import selectors
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from math import inf
from threading import Event
from time import monotonic
from typing import NamedTuple

from ayl import message as messages
from ayl.engines.base import Lease, Source
from ayl.errors import AylError, TimeToRunExceeded, Undecodable, WorkerDied
from ayl.message import Message
from ayl.settings import Settings
from ayl.worker import exits, line
from ayl.worker.child import Child, Death
from ayl.worker.execution import Next
from ayl.worker.frames import Head
from ayl.worker.hand import LAST_SECONDS
from ayl.worker.lender import Answer, Lender
from ayl.worker.plan import Plan
from ayl.worker.restarts import FAILED_STARTS, Restarts
from ayl.worker.slots import Bell, CannotGoOn
from ayl.worker.terms import PARTING_SECONDS, Terms
from ayl.worker.wear import Wear

log = logging.getLogger("ayl.worker")

AFTER = {exits.RETIRED: Next.RETIRE, exits.QUIET: Next.QUIET, exits.EMPTY: Next.EMPTY}
"""What the exit codes of a child mean for its slot."""

GIVE_BACK_SECONDS = 1.5
"""For killing the child and giving back what it had; less than the supervisor waits for this process."""

NOTHING: Head = {"held": [], "jobs": [], "sizes": [], "waited": True, "stop": False}
"""The answer when no job is ready."""


class Lent(NamedTuple):
    """A call that a child makes."""

    message: Message
    lease: Lease
    progress: None = None
    """What it says of that stays in its process."""


class Relay:
    """One slot."""

    def __init__(self, plan: Plan, connect: Callable[[int], Source], bell: Bell, wear: Wear, terms: Terms) -> None:
        """`connect` makes a source, and is given a descriptor that becomes readable when there is news. `wear` and
        `terms` are those of this process.
        """
        self._plan = plan
        self._connect = connect
        self._bell = bell
        self._wear = wear
        self._alone = terms.alone
        self._alone.join()
        terms.others.append(self)
        self._restarts = Restarts()
        self._child: Child | None = None
        self._successor: Child | None = None
        """Has the slot when it is loaded and the child has ended."""
        self._start_at = 0.0
        self._request: Head | None = None
        """Of the child, which waits for a job."""
        self._asks_since: float | None = None  # of the server, for a job
        self._lender: Lender | None = None
        """Once there is one; for other threads."""
        self._after: Next | None = None
        self._has_seat = False
        """Whether the child makes a call alone."""
        self._is_cut = False
        self._has_cut = False
        self._has_ended = Event()

    def work(self, settings: Settings) -> Next:
        """Until told to stop, or by a message to end. CannotGoOn if no child can be had."""
        # Whatever there is news of ends the source's wait: a selector of this kind can be waited for itself.
        with selectors.EpollSelector() as self._news:
            source = self._connect(self._news.fileno())
            self._lender = self._lends = Lender(source, settings)
            self._news.register(self._bell, selectors.EVENT_READ, self._hear_bell)
            try:
                while self._after is None:
                    self._go_on()
                return self._after
            finally:
                for child in filter(None, (self._child, self._successor)):
                    child.kill()
                    child.reap()
                source.close()
                self._alone.leave()
                self._has_ended.set()
                if self._has_cut:
                    Event().wait()  # who has asked to give back ends the process, and says why

    @property
    def trouble(self) -> str:
        """Why no job can be taken now; empty if that is not so."""
        return "" if self._lender is None else self._lender.trouble

    @property
    def moved_at(self) -> float:
        """When it has last got on with taking a job, of the monotonic clock; now while it does not ask for one."""
        lender, since = self._lender, self._asks_since
        return monotonic() if lender is None or since is None else max(since, lender.proved)

    @property
    def ended(self) -> int:
        """Calls of its children."""
        return 0 if self._lender is None else self._lender.ended

    @property
    def call(self) -> "Lent | None":
        """The one that runs; for other threads."""
        child, lender = self._child, self._lender
        with suppress(ValueError, Undecodable):  # the child has just ended
            lease = None if child is None or lender is None else lender.lent(child.tally.at)
            if lease is not None and isinstance(message := messages.decode(lease.body), Message):
                return Lent(message, lease)
        return None

    def give_back(self) -> bool:
        """At once, all that is in hand, from another thread; whether a call was cut off."""
        self._is_cut = True
        child = self._child
        if child is not None:
            child.kill()
            self._has_ended.wait(GIVE_BACK_SECONDS)
        return self._has_cut

    def _go_on(self) -> None:
        if self._child is None and not self._bell.requested and monotonic() >= self._start_at:
            self._restarts.started()
            self._appoint(self._start())
        for key, _ in self._news.select(self._patience()):
            key.data()
        if self._child is None:
            if self._bell.requested and self._after is None:
                self._after = Next.GO_ON
            return
        if self._child.look():
            self._lends.win_time(self._child.tally.at)
        if monotonic() >= self._lends.touch_at and not self._lends.keep(self._child.tally):
            self._child.lose(monotonic() + PARTING_SECONDS)
        if self._request is not None:
            self._take(self._child, self._request)

    def _patience(self) -> float | None:
        """Seconds until something is due."""
        if self._request is not None:
            return 0
        now, child = monotonic(), self._child
        due = self._start_at if child is None else min(self._lends.touch_at, child.overruns.next_look(now))
        return None if due == inf else max(0.0, due - now)

    # What the child asks

    def _hear_request(self, child: Child) -> None:
        if child is not self._child:
            return  # it has just ended
        try:
            frame = child.hear()
        except OSError:
            self._news.unregister(child.requests)  # it ends by itself: its exit code is to be heard
            return
        if frame is None:
            return
        head, rest = frame
        self._look_at_leases(child)
        match head["do"]:
            case "take":
                self._request = head
            case "be_alone":
                self._has_seat = self._alone.begin(head["patience"])
                self._answer(child, head, ({"alone": self._has_seat}, ()))
            case "be_back":
                self._leave_seat()
                self._answer(child, head, ({}, ()))
            case _:
                more = not (child.is_dismissed or self._alone.is_wanted)
                self._answer(child, head, self._lends.asked(head, rest, more=more))

    def _leave_seat(self) -> None:
        if self._has_seat:
            self._has_seat = False
            self._alone.end()

    def _take(self, child: Child, request: Head) -> None:
        """If there is no job, but news, it is asked for once more after that."""
        answer: Answer | None = (NOTHING | {"stop": True}, ())
        if not child.is_dismissed:
            if self._alone.is_wanted:
                self._lends.close()  # which withdraws what it has asked for
                self._alone.step_aside()
            answer = self._wait_for_job(wait=request["wait"])
            if answer is None and (request["wait"] or self._alone.is_wanted or self._news.select(0)):
                return
        self._request = None
        self._answer(child, request, answer or (NOTHING, ()))

    def _wait_for_job(self, *, wait: bool) -> Answer | None:
        # Only here: while a call runs, somebody may want to be alone for long, which must not keep this thread awake.
        self._news.register(self._alone, selectors.EVENT_READ, lambda: None)
        self._asks_since = monotonic()
        try:
            return self._lends.take(wait=wait)
        finally:
            self._asks_since = None
            self._news.unregister(self._alone)

    def _answer(self, child: Child, request: Head, answer: Answer) -> None:
        head, bodies = answer
        with suppress(OSError):  # it is about to end
            if not child.answer(head | {"ask": request["ask"]}, *bodies):
                self._news.modify(child.requests, selectors.EVENT_WRITE, partial(self._send_rest, child))

    def _send_rest(self, child: Child) -> None:
        """Of an answer. Until it is sent there is no other question, or none that is waited for."""
        if child is not self._child:
            return  # it has just ended
        with suppress(OSError):
            if not child.send_rest():
                return
        self._listen(child, self._news.modify)

    def _listen(self, child: Child, register: Callable[..., object]) -> None:
        register(child.requests, selectors.EVENT_READ, partial(self._hear_request, child))

    def _look_at_leases(self, child: Child) -> None:
        if self._lends.look(child.tally):
            child.overruns.end_at(inf)

    # The child's life

    def _start(self) -> Child:
        child = Child(self._plan)
        log.info("started process %d for a slot", child.pid)
        self._news.register(child.line, selectors.EVENT_READ, partial(self._hear, child))
        self._news.register(child.end, selectors.EVENT_READ, partial(self._bury, child))
        return child

    def _appoint(self, child: Child) -> None:
        """The slot is this child's from now on."""
        self._child = child
        self._listen(child, self._news.register)
        if self._is_cut:
            child.kill()

    def _hear_bell(self) -> None:
        self._news.unregister(self._bell)  # it rings for good
        for child in filter(None, (self._child, self._successor)):
            child.dismiss()

    def _hear(self, child: Child) -> None:
        if child not in (self._child, self._successor):
            return  # it has just ended
        said = child.line.hear()
        if not said:
            self._news.unregister(child.line)
            return
        match said[0]:
            case line.LOADED:
                child.is_loaded = True
                if child is self._child:
                    self._restarts.loaded(monotonic())
                elif self._child is not None:
                    log.info("process %d takes the slot of process %d", child.pid, self._child.pid)
                    self._child.dismiss()
            case line.WORN if self._successor is None and not self._bell.requested:
                self._successor = self._start()
            case line.RENEW:
                self._wear.renew()
            case line.SOONER:
                self._look_at_leases(child)

    def _bury(self, child: Child) -> None:
        """It has ended."""
        for registered in (child.line, child.end, child.requests):
            if registered in self._news.get_map():
                self._news.unregister(registered)
        at, death = child.tally.at, child.reap()
        log.info("process %d of a slot %s", child.pid, exits.told(death.code, death.memory))
        if child is self._successor:
            self._successor = None
            return
        self._child = self._request = None
        self._leave_seat()
        error, delay = (None, LAST_SECONDS) if self._is_cut else (_failure(death), 0)
        had_call = self._lends.inherit(at, error, delay)
        self._has_cut = had_call and self._is_cut
        if self._is_cut or self._bell.requested:
            self._after = AFTER.get(death.code, Next.GO_ON)
        elif not had_call and death.code in AFTER:
            self._after = AFTER[death.code]
        elif self._successor is not None:
            self._restarts.started()
            if self._successor.is_loaded:
                self._restarts.loaded(monotonic())
            self._appoint(self._successor)
            self._successor = None
        else:
            self._start_again(death, had_call=had_call)

    def _start_again(self, death: Death, *, had_call: bool) -> None:
        if death.code == exits.CONFIG and not had_call:
            raise CannotGoOn("the process of a slot cannot start; what it said stands above", exits.CONFIG)
        now = monotonic()
        at_once = death.overran or death.code == exits.OK
        self._start_at = now if at_once else now + self._restarts.died(now)
        if self._restarts.is_hopeless:
            raise CannotGoOn(
                f"giving up: {FAILED_STARTS} processes of a slot in a row died before they had loaded the app; what "
                "they said stands above",
                exits.CRASH_LOOP,
            )


def _failure(death: Death) -> AylError:
    if death.overran:
        return TimeToRunExceeded("the call could not be interrupted at its time to run, so that its process was killed")
    return WorkerDied(death.told())
