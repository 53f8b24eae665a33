"""A client that alone touches its tubes, so that what it will find after a crash can be told exactly.

It sends commands in batches, as a pipelining client does, so that a crash always leaves some unanswered. The server
takes them in order: what it has done of them is a beginning of the batch, however much of it was answered.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from .wire import Gone, Wire
from .world import (
    BURIED,
    DELAYED,
    READY,
    RESERVED,
    Bury,
    Command,
    Delete,
    Kick,
    KickJob,
    Put,
    Release,
    Reserve,
    ReserveJob,
    Span,
    Touch,
    Use,
    World,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from random import Random

    from .ids import Ids
    from .world import Known

CROWD = 200
"""Jobs of one owner, about."""

LARGEST = 15_000
"""Bytes of the largest body, which every server of a campaign must take."""

LONG = 100_000
"""Seconds that no test lasts."""


class Owner:
    """One client, its tubes, and its world."""

    def __init__(self, name: str, chance: Random, ids: Ids) -> None:
        self.name = name
        self.chance = chance
        self.ids = ids
        # The vault is filled and hardly looked at: its jobs live on beside the others' coming and going.
        self.busy = [f"{name}-a".encode(), f"{name}-b".encode()]
        self.vault = f"{name}-vault".encode()
        self.world = World(frozenset(self.busy))
        self.unanswered: list[tuple[Command, Span]] = []
        self.answered = 0
        self._using = b""
        self._serial = 0

    @property
    def tubes(self) -> list[bytes]:
        return [*self.busy, self.vault]

    def work(self, wire: Wire, stopped: Callable[[], bool]) -> None:
        """Keep the server busy until it is gone, or until `stopped`."""
        self._using = b"default"
        try:
            for line in [*(b"watch %b\r\n" % tube for tube in self.busy), b"ignore default\r\n"]:
                wire.ask(line)
            while not stopped():
                self._batch(wire)
        except Gone:
            pass

    def _batch(self, wire: Wire) -> None:
        batch = self.plan()
        sent = time.monotonic()
        self.unanswered = [(command, Span(sent, sent)) for command in batch]
        wire.send(b"".join(command.line() for command in batch))
        for command in batch:
            answer = wire.answer()
            now = time.monotonic()
            if isinstance(command, Put):
                self.ids.given(answer)
            command.apply(self.world, answer, Span(sent, now))
            self.answered += 1
            del self.unanswered[0]

    def crashed(self) -> None:
        """Whoever waits for an answer knows only that the server had time until now."""
        now = time.monotonic()
        self.unanswered = [(command, Span(when.start, now)) for command, when in self.unanswered]

    def possible(self) -> Iterator[tuple[str, World]]:
        """The worlds that may be found after a crash: with none, with one, ... with all of what was not answered."""
        world = self.world.copy()
        yield "nothing unanswered done", world
        for done, (command, when) in enumerate(self.unanswered, 1):
            if isinstance(command, Kick):  # a promise about each job, but none that all are kicked or none is
                for bound in range(1, command.bound):
                    part = world.copy()
                    Kick(command.tube, bound).apply(part, None, when)
                    yield f"unanswered command {done} done for {bound} jobs", part
            world = world.copy()
            command.apply(world, None, when)
            yield f"{done} of {len(self.unanswered)} unanswered commands done", world

    # What to do next

    def plan(self) -> list[Command]:
        """A batch none of whose commands can fail, whatever its reserves bring."""
        future = self.world.copy()
        batch: list[Command] = []

        def add(command: Command) -> None:
            command.apply(future, None, Span(0, 0))
            batch.append(command)

        for command in self._settlements():
            add(command)
        for _ in range(self.chance.randrange(1, 25)):
            tube, command = self._any(future)
            if tube and tube != self._using:
                self._using = tube
                add(Use(tube))
            add(command)
        return batch

    def _settlements(self) -> Iterator[Command]:
        chance = self.chance
        for job in self.world.in_state(RESERVED):
            pri = self._pri()
            ways: list[Command] = [
                Delete(job.id),
                Release(job.id, pri, 0),
                Release(job.id, pri, chance.randrange(1, 3)),
                Release(job.id, pri, LONG),
                Bury(job.id, pri),
                Touch(job.id),
            ]
            yield chance.choices(ways, [35, 25, 5, 10, 15, 10])[0]

    def _any(self, future: World) -> tuple[bytes, Command]:
        """A command and the tube that must be used for it, if one must."""
        chance = self.chance
        draw = chance.random()
        crowded = len(future.jobs) + len(future.nameless) > CROWD
        if draw < (0.05 if crowded else 0.45):
            put = self._put()
            return put.tube, put
        if draw < 0.75:
            return b"", Reserve()
        tube = chance.choice(self.busy)
        if draw < 0.80 and future.buried(tube):
            return tube, Kick(tube, chance.randrange(1, 6))
        job = chance.choice(list(future.jobs.values()) or [None])
        return b"", self._to(job) or Reserve()

    def _to(self, job: Known | None) -> Command | None:
        """What may be done to a job by its id; those that a reserve of the same batch may take can only be deleted."""
        if job is None or job.state == RESERVED:
            return None
        parked = job.state == BURIED or (job.state == DELAYED and job.delay == LONG)
        if job.tube == self.vault and self.chance.random() < 0.9:
            return None
        if parked and (draw := self.chance.random()) < 0.7:
            return KickJob(job.id) if draw < 0.35 else ReserveJob(job.id)
        return Delete(job.id) if parked or job.state in (READY, DELAYED) else None

    def _put(self) -> Put:
        chance = self.chance
        tube = self.vault if chance.random() < 0.05 else chance.choice(self.busy)
        delay = chance.choices([0, chance.randrange(1, 3), LONG], [80, 10, 10])[0]
        return Put(tube, self._pri(), delay, chance.randrange(600, 10_000), self._body())

    def _pri(self) -> int:
        return self.chance.choice([0, 1, 1023, 1024, 65536, (1 << 32) - 1, self.chance.randrange(1 << 32)])

    def _body(self) -> bytes:
        """Unlike any other, so that a job is known by it where its id was never told."""
        self._serial += 1
        chance = self.chance
        size = chance.choices([chance.randrange(100), chance.randrange(4000), LARGEST], [80, 19, 1])[0]
        head = b"%b %d " % (self.name.encode(), self._serial)
        return (head + chance.randbytes(max(0, size - len(head))))[: max(LARGEST, len(head))]
