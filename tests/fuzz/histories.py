"""Binlogs as the server writes them, from random lives of jobs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ayl_server.model import BURIED, DELAYED, RESERVED
from tests.binlog.machine import ALWAYS, LATER, NEVER, SIZE, Machine, Run, Seen

from .choices import between, chance, pick

if TYPE_CHECKING:
    from collections.abc import Callable

    from .choices import Choices

Files = dict[str, bytes]
"""A directory: contents by name."""

TUBES = (b"default", b"a", b"n" * 200)


@dataclass(frozen=True, slots=True)
class History:
    """A machine whose server has just ended, and what is known of its end."""

    machine: Machine
    files: Files
    earlier: list[Files]
    """The directory at some moments before."""
    jobs: dict[int, Seen]
    """What the server had when it last committed; so that is what undamaged files hold."""
    closed: bool


def history(choices: Choices) -> History:
    machine = Machine()
    life = Life(choices, machine)
    for _ in range(between(choices, 1, 3)):
        life.serve()
    if closed := chance(choices, 30):
        life.run.close()
    else:
        life.run.commit()
    return History(machine, files(machine), life.earlier, life.run.jobs(), closed)


def files(machine: Machine) -> Files:
    return {name: machine.contents(name) for name in machine.disk.names()}


class Life:
    """Servers one after the other in one directory."""

    def __init__(self, choices: Choices, machine: Machine) -> None:
        self.choices = choices
        self.machine = machine
        self.earlier: list[Files] = []
        self.policy = pick(choices, (ALWAYS, LATER, NEVER))
        self.run: Run

    def serve(self) -> None:
        """One server from its start on; it is killed."""
        if chance(self.choices, 10):
            self.policy = replace(self.policy, size=pick(self.choices, (1, 2, 5)) * SIZE)
        self.run = self.machine.start(self.policy)
        for _ in range(between(self.choices, 1, 30)):
            pick(self.choices, DEEDS)(self)
            if chance(self.choices, 50):
                self.run.commit()
        self.run.commit()

    def some(self, *states: str) -> int | None:
        """A job that nobody holds, in one of these states if any are given."""
        ids = [job.id for job in self.run.broker.jobs.values() if job.state in states or not states]
        free = [job_id for job_id in ids if self.run.job(job_id).state != RESERVED]
        return pick(self.choices, free) if free else None

    def put(self) -> None:
        delay = pick(self.choices, (0, 0, 5, 2**32 - 1))
        self.run.put(self.body(), pick(self.choices, TUBES), self.choices.below(3), delay)

    def body(self) -> bytes:
        kind = self.choices.below(6)
        if kind < 3:
            return b"b" * self.choices.below(200)
        if kind == 3:
            return self.choices.blob(self.choices.below(20))
        return self.piece() if kind == 4 else b"large " * pick(self.choices, (150, 320, 660, 900))

    def piece(self) -> bytes:
        """Of the binlog itself, even of the segment into which it goes."""
        data = self.machine.contents(self.run.log.current.name)
        start = self.choices.below(max(1, self.run.log.position))
        return data[start : start + between(self.choices, 1, 400)]

    def delete(self) -> None:
        if (job_id := self.some()) is not None:
            self.run.delete(job_id)

    def release(self) -> None:
        if (job_id := self.some()) is not None:
            self.run.release(job_id, self.choices.below(3), pick(self.choices, (0, 3)))

    def bury(self) -> None:
        if (job_id := self.some()) is not None:
            self.run.bury(job_id, self.choices.below(3))

    def kick(self) -> None:
        if (job_id := self.some(BURIED, DELAYED)) is not None:
            self.run.kick(job_id)

    def hold(self) -> None:
        if (job_id := self.some()) is not None:
            self.run.reserve(job_id)

    def wait(self) -> None:
        """A quarter of a second at least, so that times stay exact as floats."""
        self.machine.clock.advance(pick(self.choices, (0.25, 4.0, 120.0)))
        self.run.tick()

    def churn(self) -> None:
        """Fill segments, so that old ones are compacted and used again."""
        for _ in range(between(self.choices, 1, 20)):
            if (job_id := self.run.put(b"churn" * 100)) is not None:  # a small log may be full
                self.run.delete(job_id)
            self.run.commit()

    def sync(self) -> None:
        self.run.commit()
        self.run.log.sync()

    def remember(self) -> None:
        self.run.commit()
        self.earlier.append(files(self.machine))


DEEDS: tuple[Callable[[Life], None], ...] = (
    Life.put, Life.put, Life.put, Life.put, Life.delete, Life.release, Life.bury, Life.kick, Life.hold, Life.wait,
    Life.churn, Life.sync, Life.remember,
)  # fmt: skip
