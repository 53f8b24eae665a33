"""The jobs that wait in a tube, taken up so that each can be put elsewhere.

Ready ones are reserved, a portion at a time. Delayed and buried ones, and those of a paused tube, are looked at where
they are: had they been reserved by somebody who then dies, they would be ready, and run too early, or at all.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ayl.admin.conversation import Reply, blamed, conversation, there
from ayl.admin.errors import RequestRefused
from ayl.admin.foresight import Foresight, in_line
from ayl.admin.statistics import existing, look
from ayl.admin.waiting import (
    FIRST_PORTION,
    Room,
    Waiting,
    around,
    described,
    in_portions,
    peek,
    sighted,
    with_bodies,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from ayl.admin.conversation import Conversation, Question
    from ayl.admin.server import Server

MOST_KEPT = 1000
"""Ready jobs that stay, and are held meanwhile."""

DENSE = 16
"""One of so many ids has to be one of the tube's, or fewer ids are looked at for the next jobs."""

OFTEN = 0.3
"""Seconds between two looks at the leases: the shortest lasts for one."""

LONG = 0.5
"""Seconds after which the leases of a portion are renewed before anything is done with it."""


class TooManyStay(RequestRefused):
    """So many ready jobs had to stay that those behind them cannot be seen."""

    def __init__(self, most: int) -> None:
        super().__init__(f"{most:,} ready jobs have to stay: those behind them were not looked at")


class OutOfSight(RequestRefused):
    """Those that stay hide others, whose ids are far from theirs."""

    def __init__(self, jobs: int, state: str) -> None:
        super().__init__(f"{jobs:,} {state} jobs are behind others that have to stay, and were not found")


@dataclass(slots=True)
class _Lease:
    job: Waiting
    renewed: float
    """When its time to run began, at the earliest, in seconds of the monotonic clock."""


class Source:
    """The tube that jobs are taken from, with a connection of its own: see `source`."""

    def __init__(self, client: Conversation, server: Server, tube: str) -> None:
        self._client = client
        self._server = server
        self._tube = tube
        self._held: dict[int, _Lease] = {}
        self._holds = False  # what is passed over now
        self._passed: dict[int, str] = {}  # the jobs that stay, and their states
        self._looked = 0.0
        self._room = Room()
        self._span = FIRST_PORTION
        self._foresight: Foresight | None = None  # of the state that is passed over in its order
        self._peek: Question = peek("buried")
        self._front: Reply | None = None  # what this says, if it has been asked already
        self.out_of_line: tuple[list[int], list[int]] = [], []
        """Of what is `gone`: those that stood in another order than they went in, in theirs; and those that went before
        one that is still there. Both empty if all is well.
        """
        name = tube.encode("ascii")
        turn = [(b"use %b\r\n" % name, b"USING", False), (b"watch %b\r\n" % name, b"WATCHING", False)]
        if tube != "default":
            turn.append((b"ignore default\r\n", b"WATCHING", False))
        client.exchange(*turn)

    def portions(self, state: str) -> Iterator[list[Waiting]]:
        """The jobs of a state, as many as there are now. Each of a portion is to `stay`, or to be `gone`, before the
        next portion is asked for. One may be empty.
        """
        with blamed(self._server):
            found = existing(self._client, self._server, self._tube)
        left: int = getattr(found.jobs, state)
        self._holds = state == "ready" and not found.pause_time_left
        return self._reserved(left) if self._holds else self._unheld(state, left)

    def stay(self, job: int, state: str) -> None:
        """It is to remain in the tube as it is, in this state: pass over it."""
        self._passed[job] = state

    def keep_alive(self) -> None:
        """Renew the leases that have lasted for a third of their time; cheap enough to be called for each job."""
        if (now := time.monotonic()) - self._looked > OFTEN:
            self._looked = now
            self._renew(lambda lease: now - lease.renewed > lease.job.time_to_run / 3)

    def still(self, jobs: Sequence[Waiting]) -> list[Waiting]:
        """Those whose leases are not lost, if so much time has passed that one may be."""
        now = time.monotonic()
        self._renew(lambda lease: now - lease.renewed > LONG)
        return [job for job in jobs if job.id in self._held or not self._holds]

    def gone(self, jobs: Sequence[Waiting]) -> list[bool]:
        """Delete these; False for each that somebody else has taken or deleted before."""
        self.out_of_line = [], []
        for job in jobs:
            self._held.pop(job.id, None)
        if self._foresight is None or not jobs:
            return self._did((b"delete %d\r\n" % job.id for job in jobs), b"DELETED")
        return self._gone_in_line(jobs, self._foresight)

    def give_back(self) -> None:
        """All that is held."""
        leases, self._held = self._held.values(), {}
        self._did((b"release %d %d 0\r\n" % (lease.job.id, lease.job.priority) for lease in leases), b"RELEASED")

    def _reserved(self, left: int) -> Iterator[list[Waiting]]:
        """While some come. TooManyStay."""
        self._foresight = None
        while left > 0:
            if len(self._held) >= MOST_KEPT:
                raise TooManyStay(MOST_KEPT)
            began = time.monotonic()
            if not (jobs := self._reserve(min(self._room.jobs, left))):
                return
            self._held |= {job.id: _Lease(job, began) for job in jobs}
            yield (fresh := [job for job in jobs if job.id not in self._passed])
            left -= len(fresh)
            self.keep_alive()
            self._room.learn(jobs)

    def _reserve(self, most: int) -> list[Waiting]:
        with blamed(self._server):
            answers = self._client.ask([b"reserve-with-timeout 0\r\n"] * most, b"RESERVED", body=True)
            bodies = {int(reply.words[0]): reply.body for reply in answers if isinstance(reply, Reply)}
            reports = self._client.ask((b"stats-job %d\r\n" % number for number in bodies), b"OK", body=True)
            told = [
                (described(number, report)[1], body)
                for (number, body), answer in zip(bodies.items(), reports, strict=True)
                if (report := there(answer)) is not None
            ]
        return [replace(job, state="ready", body=body) for job, body in told if job.state == "reserved"]

    def _unheld(self, state: str, left: int) -> Iterator[list[Waiting]]:
        """Those that the server shows as the first, with those near them, until one is to stay. Then those near that.

        OutOfSight.
        """
        self._peek, self._front, self._span = peek(state), None, FIRST_PORTION
        # The soonest comes first whatever is behind it; but to be buried, or ready, is to stand in line.
        self._foresight = None if state == "delayed" else Foresight()
        while left > 0 and (front := self._first()) is not None:
            if int(front.words[0]) in self._passed:
                yield from self._behind(int(front.words[0]), state, left)
                return
            with blamed(self._server):
                jobs = self._next(front, state, self._foresight) if self._foresight else self._near(front, state)
            yield jobs
            left -= len(jobs)

    def _first(self) -> Reply | None:
        with blamed(self._server):
            found, self._front = self._front or there(self._client.exchange(self._peek)[0]), None
            return found

    def _near(self, front: Reply, state: str) -> list[Waiting]:
        """All in the same row of ids, the soonest first."""
        row = int(front.words[0]) // self._span
        found = self._sighted(state, range(max(1, row * self._span), (row + 1) * self._span))
        portion = with_bodies(self._client, sorted(found, key=lambda job: job.delay)[: self._room.jobs])
        self._room.learn(portion)
        self._span = max(FIRST_PORTION, min(self._room.jobs, DENSE * len(found)))
        return portion

    def _next(self, front: Reply, state: str, foresight: Foresight) -> list[Waiting]:
        """The first, and as many of those that are foretold as are to be trusted."""
        number = int(front.words[0])
        if not foresight.line or foresight.line[0].id != number:
            found = self._sighted(state, range(number, number + foresight.reach))
            foresight.line = sorted(found, key=lambda job: (job.priority if state == "ready" else 0, job.id))
        portion = foresight.line[: min(foresight.jobs, self._room.jobs)]
        if [job.id for job in portion] == [number]:
            return [replace(portion[0], body=front.body)]
        whole = with_bodies(self._client, portion)
        self._room.learn(whole)
        return whole

    def _behind(self, front: int, state: str, left: int) -> Iterator[list[Waiting]]:
        """Those near this one, which stays."""
        self._foresight = None
        left = min(left, self._hidden(state))
        if left <= 0:
            return
        with blamed(self._server):
            for found in around(self._client, self._tube, (state,), front):
                for portion in in_portions(self._client, self._fresh(found), self._room):
                    yield portion
                    left -= len(portion)
                if left <= 0:
                    return
        if (hidden := self._hidden(state)) > 0:
            raise OutOfSight(hidden, state)

    def _hidden(self, state: str) -> int:
        """How many there are but for those that stay."""
        with blamed(self._server):
            found = look(self._client, self._tube)
        return getattr(found.jobs, state) - [*self._passed.values()].count(state) if found else 0

    def _sighted(self, state: str, ids: Iterable[int]) -> list[Waiting]:
        return self._fresh(sighted(self._client, self._tube, (state,), ids))

    def _fresh(self, jobs: Sequence[Waiting]) -> list[Waiting]:
        return [job for job in jobs if job.id not in self._passed]

    def _gone_in_line(self, jobs: Sequence[Waiting], foresight: Foresight) -> list[bool]:
        """The same, and between any two of them the server tells which is the first now."""
        ids = [job.id for job in jobs]
        first = foresight.line[0].id
        with blamed(self._server):
            questions = [((b"delete %d\r\n" % number, b"DELETED", False), self._peek) for number in ids]
            answers = self._client.exchange(*(question for both in questions for question in both))
            shown = [there(answer) for answer in answers[1::2]]
            deleted = [there(answer) is not None for answer in answers[::2]]
        self._front = shown[-1]
        fronts = [int(front.words[0]) if front else 0 for front in shown]
        foresight.learn(ids, fronts)
        stood, before = in_line(first, ids, fronts)
        self.out_of_line = [] if stood == ids[: len(stood)] else stood, [] if fronts[-1] in self._passed else before
        return deleted

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


@contextmanager
def source(server: Server, tube: str) -> Iterator[Source]:
    """The waiting jobs of a tube; NoSuchTube if there is none. What is still held in the end is given back."""
    with conversation(server) as client:
        existing(client, server, tube)  # before this very connection makes it exist
        found = Source(client, server, tube)
        try:
            yield found
        finally:
            if not client.in_use:  # otherwise nobody knows which answer would belong to what; the server gives back
                found.give_back()
