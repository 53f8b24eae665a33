"""Everything that a server holds, as far as the protocol can tell."""

from __future__ import annotations

import time
from dataclasses import dataclass

from .wire import Wire, report
from .world import BURIED, DELAYED, READY, RESERVED, Span

STATES = (READY, RESERVED, DELAYED, BURIED)


@dataclass(frozen=True, slots=True)
class Seen:
    """A job as the server tells of it."""

    id: int
    body: bytes
    facts: dict[str, str]
    when: Span

    def number(self, name: str) -> int:
        return int(self.facts[name])

    @property
    def state(self) -> str:
        return self.facts["state"]

    @property
    def tube(self) -> bytes:
        return self.facts["tube"].encode()


@dataclass(frozen=True, slots=True)
class Observation:
    """The jobs, the tubes that have some, and the server's figures."""

    jobs: dict[int, Seen]
    tubes: dict[bytes, dict[str, str]]
    first_buried: dict[bytes, int]
    stats: dict[str, str]

    def of(self, tubes: list[bytes]) -> dict[int, Seen]:
        return {job.id: job for job in self.jobs.values() if job.tube in tubes}

    def inconsistencies(self) -> list[str]:
        """Where the server's figures disagree with the jobs that it has."""
        wrong = []
        reports = [("the server", self.stats, list(self.jobs.values()))]
        reports += [(name.decode(), facts, list(self.of([name]).values())) for name, facts in self.tubes.items()]
        for name, facts, jobs in reports:
            for state in STATES:
                counted, told = sum(job.state == state for job in jobs), int(facts[f"current-jobs-{state}"])
                # Between the two questions a delay may have ended.
                slack = sum(job.state == DELAYED and job.number("time-left") <= 3 for job in jobs)
                if abs(counted - told) > (slack if state in (READY, DELAYED) else 0):
                    wrong.append(f"{name}: {told} jobs are {state}, says the server; it has {counted}")
        files = range(int(self.stats["binlog-oldest-index"]), int(self.stats["binlog-current-index"]) + 1)
        wrong += [f"job {job.id} is in no file" for job in self.jobs.values() if job.number("file") not in files]
        return wrong


def observe(wire: Wire, highest: int) -> Observation:
    """Ask for every id up to `highest`, and for all that is said about those that exist."""
    lines = [b"stats-job %d\r\n" % number for number in range(1, highest + 1)]
    start = time.monotonic()
    reports = {number: report(answer) for number, answer in enumerate(wire.ask_all(lines), 1) if answer.word == b"OK"}
    when = Span(start, time.monotonic())
    bodies = wire.ask_all([b"peek %d\r\n" % number for number in reports])
    jobs = {number: Seen(number, next(bodies).body, facts, when) for number, facts in reports.items()}
    names = sorted({job.tube for job in jobs.values()})
    tubes = {name: report(wire.ask(b"stats-tube %b\r\n" % name)) for name in names}
    first_buried = {}
    for name in names:
        wire.ask(b"use %b\r\n" % name)
        if (answer := wire.ask(b"peek-buried\r\n")).word == b"FOUND":
            first_buried[name] = answer.number
    return Observation(jobs, tubes, first_buried, report(wire.ask(b"stats\r\n")))
