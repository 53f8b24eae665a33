"""Ready jobs of a tube, reserved a portion at a time, and kept until they are gone or given back."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ayl.admin.conversation import Reply, blamed, there
from ayl.admin.errors import RequestRefused
from ayl.admin.waiting import Room, Waiting, facts_in

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from ayl.admin.conversation import Conversation
    from ayl.admin.server import Server

MOST_KEPT = 1000
"""Jobs that stay, and are held meanwhile."""

OFTEN = 0.3
"""Seconds between two looks at the leases: the shortest lasts for one."""

LONG = 0.5
"""Seconds after which the leases of a portion are renewed before anything is done with it."""


class TooManyStay(RequestRefused):
    """So many ready jobs had to stay that those behind them cannot be seen."""

    def __init__(self, most: int) -> None:
        super().__init__(f"{most:,} ready jobs have to stay: those behind them were not looked at")


@dataclass(slots=True)
class _Lease:
    job: Waiting
    renewed: float
    """When its time to run began, at the earliest, in seconds of the monotonic clock."""


class Leases:
    """Of the jobs that one connection has reserved."""

    def __init__(self, client: Conversation, server: Server) -> None:
        self._client = client
        self._server = server
        self._held: dict[int, _Lease] = {}
        self._looked = 0.0
        self._room = Room()

    def portions(self, left: int, passed: Collection[int]) -> Iterator[list[Waiting]]:
        """The ready jobs of the tubes that are watched, at most so many and while some come. Those that were passed
        over stay; those that are not ended before the next portion do, too. TooManyStay.
        """
        while left > 0:
            if len(self._held) >= MOST_KEPT:
                raise TooManyStay(MOST_KEPT)
            began = time.monotonic()
            if not (jobs := self._reserved(min(self._room.jobs, left))):
                return
            self._held |= {job.id: _Lease(job, began) for job in jobs}
            yield (fresh := [job for job in jobs if job.id not in passed])
            left -= len(fresh)
            self.keep_alive()
            self._room.learn(jobs)

    def end(self, jobs: Sequence[Waiting]) -> None:
        """They are about to be deleted."""
        for job in jobs:
            self._held.pop(job.id, None)

    def keep_alive(self) -> None:
        """Renew those that have lasted for a third of their time; cheap enough to be called for each job."""
        if (now := time.monotonic()) - self._looked > OFTEN:
            self._looked = now
            self._renew(lambda lease: now - lease.renewed > lease.job.time_to_run / 3)

    def still(self, jobs: Sequence[Waiting]) -> list[Waiting]:
        """Those whose leases are not lost, if so much time has passed that one may be."""
        now = time.monotonic()
        self._renew(lambda lease: now - lease.renewed > LONG)
        return [job for job in jobs if job.id in self._held]

    def give_back(self) -> None:
        """All of them."""
        leases, self._held = self._held.values(), {}
        with blamed(self._server):
            back = (b"release %d %d 0\r\n" % (lease.job.id, lease.job.priority) for lease in leases)
            for answer in self._client.ask(back, b"RELEASED"):
                there(answer)

    def _reserved(self, most: int) -> list[Waiting]:
        with blamed(self._server):
            answers = self._client.ask([b"reserve-with-timeout 0\r\n"] * most, b"RESERVED", body=True)
            bodies = {int(reply.words[0]): reply.body for reply in answers if isinstance(reply, Reply)}
            reports = self._client.ask((b"stats-job %d\r\n" % number for number in bodies), b"OK", body=True)
            told = [
                (number, body, facts_in(report))
                for (number, body), answer in zip(bodies.items(), reports, strict=True)
                if (report := there(answer)) is not None
            ]
        return [
            Waiting(number, "ready", int(facts[b"pri"]), 0, int(facts[b"ttr"]), body)
            for number, body, facts in told
            if facts[b"state"] == b"reserved"
        ]

    def _renew(self, due: Callable[[_Lease], bool]) -> None:
        """Those that are due begin anew; those that are lost are held no more."""
        now, ids = time.monotonic(), [number for number, lease in self._held.items() if due(lease)]
        with blamed(self._server):
            answers = self._client.ask((b"touch %d\r\n" % number for number in ids), b"TOUCHED")
            for number, answer in zip(ids, answers, strict=True):
                if there(answer) is not None:
                    self._held[number].renewed = now
                else:
                    del self._held[number]
