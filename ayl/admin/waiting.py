"""The jobs that wait in a tube, taken up one after the other so that each can be put elsewhere.

A server shows only the next job of each state. Ready ones are reserved, a portion at a time. Delayed and buried ones
are looked at where they are, and the one behind is seen when the first is gone: had they been reserved by somebody who
then dies, they would be ready, and run too early, or at all.
"""

from __future__ import annotations

import re
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import greenstalk

from ayl.admin.conversation import Reply, blamed, conversation, there
from ayl.admin.errors import RequestRefused
from ayl.admin.statistics import existing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from ayl.admin.conversation import Answer, Conversation, Question
    from ayl.admin.server import Server

STATES = ("delayed", "buried", "ready")
"""Those in which a job waits, in the order in which they are best passed over: what is delayed or buried now may be
ready a moment later.
"""

FIRST_PORTION = 16
"""Jobs reserved before anything is known of their sizes."""

PORTION = 500
"""Jobs reserved at once, at most: a server looks through all that a connection holds at each delete."""

LARGEST_PORTION = 1 << 22
"""Bytes of the bodies of a portion, about."""

MOST_KEPT = 1000
"""Jobs that stay, and are held or set back meanwhile."""

OFTEN = 0.3
"""Seconds between two looks at the leases: the shortest lasts for one."""

LONG = 0.5
"""Seconds after which the leases of a portion are renewed before anything is done with it."""


UNKNOWN = (greenstalk.UnknownCommandError, greenstalk.BadFormatError)
"""What a server answers to a command that it does not know."""


class TooManyStay(RequestRefused):
    """So many jobs had to stay that those behind them cannot be seen."""

    def __init__(self, most: int, state: str) -> None:
        super().__init__(f"{most:,} {state} jobs have to stay: those behind them were not looked at")


class OutOfReach(RequestRefused):
    """A server before 1.12, which reserves no job by its id."""

    def __init__(self, server: Server, state: str) -> None:
        super().__init__(f"{server} has no reserve-job (beanstalkd 1.12): not all of the {state} jobs can be reached")


@dataclass(frozen=True, slots=True)
class Waiting:
    """A job that waits."""

    id: int
    state: str
    """One of STATES."""
    priority: int
    delay: int
    """Seconds until it is ready, rounded up so that no job is ever early; 0 unless it is delayed."""
    time_to_run: int
    """Seconds."""
    body: bytes


@dataclass(slots=True)
class _Lease:
    job: Waiting
    taken: float
    """When the job was looked at, in seconds of the monotonic clock."""
    renewed: float
    """When its time to run began, at the earliest."""

    @property
    def delay(self) -> int:
        """Seconds that are left of it."""
        return max(0, round(self.job.delay - (time.monotonic() - self.taken)))


class Source:
    """The tube that jobs are taken from, with a connection of its own: see `source`."""

    def __init__(self, client: Conversation, server: Server, tube: str, most_stay: int) -> None:
        self._client = client
        self._server = server
        self._tube = tube
        self._held: dict[int, _Lease] = {}
        self._skipped: set[int] = set()
        self._most = self._room = most_stay
        self._looked = 0.0
        self._peek: Question | None = None  # of the state that is passed over one by one
        self._seen: Answer | None = None  # to this question, if it has been asked already
        self._ahead: dict[int, Answer] = {}  # what was said at the same time of jobs, by their ids
        name = tube.encode("ascii")
        turn = [(b"use %b\r\n" % name, b"USING", False), (b"watch %b\r\n" % name, b"WATCHING", False)]
        if tube != "default":
            turn.append((b"ignore default\r\n", b"WATCHING", False))
        client.exchange(*turn)

    def portions(self, state: str, most: int | None = None) -> Iterator[list[Waiting]]:
        """The jobs of a state: as many as there are now, or at most so many. Each of a portion is to be `gone`, or to
        `stay`, before the next portion is asked for.

        OutOfReach for the ready jobs of a paused tube, if the server cannot reserve them by their ids.
        """
        with blamed(self._server):
            found = existing(self._client, self._server, self._tube)
        count: int = getattr(found.jobs, state)
        left = count if most is None else min(count, most)
        return self._reserved(left) if state == "ready" and not found.pause_time_left else self._singly(state, left)

    def skip(self, number: int) -> None:
        """Pass over this job of the tube."""
        self._skipped.add(number)

    def keep_alive(self) -> None:
        """Renew the leases that have lasted for a third of their time; cheap enough to be called for each job."""
        if (now := time.monotonic()) - self._looked > OFTEN:
            self._looked = now
            self._renew(lambda lease: now - lease.renewed > lease.job.time_to_run / 3)

    def still(self, jobs: Sequence[Waiting]) -> list[Waiting]:
        """Those whose leases are not lost, if so much time has passed that one may be."""
        now = time.monotonic()
        self._renew(lambda lease: now - lease.renewed > LONG)
        return [job for job in jobs if job.state != "ready" or job.id in self._held]

    def gone(self, jobs: Sequence[Waiting]) -> list[bool]:
        """Delete these; False for each that somebody else has taken or deleted before."""
        for job in jobs:
            self._held.pop(job.id, None)
        if self._peek is None or len(jobs) != 1:
            return self._did((b"delete %d\r\n" % job.id for job in jobs), b"DELETED")
        number = jobs[0].id
        with blamed(self._server):
            # The next comes to light now, and nearly always is the one that was put behind it: one question less.
            delete = (b"delete %d\r\n" % number, b"DELETED", False)
            answer, self._seen, report = self._client.exchange(delete, self._peek, _stats_job(number + 1))
            self._ahead = {number + 1: report}
            return [there(answer) is not None]

    def stay(self, job: Waiting) -> None:
        """It is to remain in the tube as it is. TooManyStay if it is one of too many; OutOfReach."""
        self.skip(job.id)
        self._room -= 1
        if job.state == "buried":
            # Behind the other buried ones, at once: whoever dies here leaves it buried.
            self._reserve(job, (b"bury %d %d\r\n" % (job.id, job.priority), b"BURIED", False))
        elif job.id not in self._held:
            self._hold(job)
        if self._room <= 0:
            raise TooManyStay(self._most, job.state)

    def give_back(self) -> None:
        """All that is held, with what is left of its delay."""
        leases, self._held = self._held.values(), {}
        left = ((lease.job.id, lease.job.priority, lease.delay) for lease in leases)
        self._did((b"release %d %d %d\r\n" % job for job in left), b"RELEASED")

    def _reserved(self, left: int) -> Iterator[list[Waiting]]:
        """While some come that are not to stay. They are fewer at once when they are large."""
        self._peek, room = None, FIRST_PORTION
        while left > 0:
            began = time.monotonic()
            with blamed(self._server):
                answers = self._client.ask([b"reserve-with-timeout 0\r\n"] * min(room, left), b"RESERVED", body=True)
                bodies = {int(reply.words[0]): reply.body for reply in answers if isinstance(reply, Reply)}
                reports = self._client.ask((b"stats-job %d\r\n" % number for number in bodies), b"OK", body=True)
                told = zip(bodies.items(), reports, strict=True)
                jobs = [
                    job
                    for (number, body), report in told
                    if (job := _described(number, body, there(report), "reserved", "ready"))
                ]
            self._held |= {job.id: _Lease(job, began, began) for job in jobs}
            if not (fresh := [job for job in jobs if job.id not in self._skipped]):
                return
            yield fresh
            left -= len(fresh)
            self.keep_alive()
            size = sum(map(len, bodies.values())) // len(bodies)
            room = max(1, min(PORTION, 4 * room, LARGEST_PORTION // (size + 1)))

    def _singly(self, state: str, left: int) -> Iterator[list[Waiting]]:
        """The next of them, until there is none, or none that is not to stay."""
        self._peek, self._seen, self._ahead = (b"peek-%b\r\n" % state.encode(), b"FOUND", True), None, {}
        while left and (job := self._next(self._peek, state)) is not None:
            if job.id in self._skipped and state == "buried":
                return  # it was set back: so were all others that are left
            if job.id in self._skipped:
                self.stay(job)  # its lease was lost
            elif state != "ready" or self._hold(job):
                yield [job]
                left -= 1
            self.keep_alive()

    def _next(self, peek: Question, state: str) -> Waiting | None:
        """The next of this state, with what the server says of it at that moment."""
        with blamed(self._server):
            while True:
                answer, self._seen = self._seen or self._client.exchange(peek)[0], None
                if (found := there(answer)) is None:
                    return None
                number = int(found.words[0])
                ahead, self._ahead = self._ahead.get(number), {}
                report = ahead or self._client.exchange(_stats_job(number))[0]
                if (job := _described(number, found.body, there(report), state, state)) is not None:
                    return job

    def _hold(self, job: Waiting) -> bool:
        began = time.monotonic()
        if reserved := self._reserve(job):
            self._held[job.id] = _Lease(job, began, began)
        return reserved

    def _reserve(self, job: Waiting, *then: Question) -> bool:
        """By its id; False if it is gone, or somebody else's."""
        with blamed(self._server):
            answer, *_ = self._client.exchange((b"reserve-job %d\r\n" % job.id, b"RESERVED", True), *then)
            if isinstance(answer, UNKNOWN):
                raise OutOfReach(self._server, job.state)
            return there(answer) is not None

    def _renew(self, due: Callable[[_Lease], bool]) -> None:
        """The leases that are due begin anew; those that are lost are held no more."""
        now, ids = time.monotonic(), [number for number, lease in self._held.items() if due(lease)]
        for number, held in zip(ids, self._did((b"touch %d\r\n" % number for number in ids), b"TOUCHED"), strict=True):
            if held:
                self._held[number].renewed = now
            else:
                del self._held[number]

    def _did(self, commands: Iterable[bytes], expected: bytes) -> list[bool]:
        """Whether each has been done; it is not when the job is not ours any more."""
        with blamed(self._server):
            return [there(answer) is not None for answer in self._client.ask(commands, expected)]


_facts = re.compile(rb"\n(state|pri|ttr|time-left): (\S+)").findall


def _described(number: int, body: bytes, report: Reply | None, now: str, before: str) -> Waiting | None:
    """A job that is in the state `now` and was in the one before; None if it is in another, or gone."""
    facts = {} if report is None else dict(_facts(report.body))
    if facts.get(b"state") != now.encode():
        return None
    delay = int(facts[b"time-left"]) + 1 if before == "delayed" else 0
    return Waiting(number, before, int(facts[b"pri"]), delay, int(facts[b"ttr"]), body)


def _stats_job(number: int) -> Question:
    return (b"stats-job %d\r\n" % number, b"OK", True)


@contextmanager
def source(server: Server, tube: str, most_stay: int | None = None) -> Iterator[Source]:
    """The waiting jobs of a tube, of which at most so many may stay; NoSuchTube if there is none. What is still held in
    the end is given back.
    """
    with conversation(server) as client:
        existing(client, server, tube)  # before this very connection makes it exist
        found = Source(client, server, tube, MOST_KEPT if most_stay is None else most_stay)
        try:
            yield found
        finally:
            if not client.in_use:  # otherwise nobody knows which answer would belong to what; the server gives back
                found.give_back()
