"""One run from its seed."""

from __future__ import annotations

import random
import zlib
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from unittest.mock import patch

from ayl_server import connection
from ayl_server.binlog import log

from .plan import Plan, draw
from .world import World

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable

    from .clients import SimulatedClient


@dataclass(slots=True)
class Outcome:
    seed: int
    failure: str | None = None
    seen: dict[str, int] = field(default_factory=dict)
    """What has happened, and how often."""
    fingerprint: int = 0
    """Of the directory at the end: the same for two runs from one seed."""


def run(seed: int, trace: Callable[[str], None] | None = None) -> Outcome:
    """Whatever goes wrong is in the outcome."""
    rng = random.Random(seed)  # noqa: S311 - repeatable, not secret
    plan = draw(rng)
    world = World(rng, plan, trace)
    world.tell(str(plan))
    outcome = Outcome(seed)
    try:
        with _scaled(plan):
            Run(world).whole()
    except Exception as error:
        outcome.failure = f"{type(error).__name__}: {error}"
        if trace is not None:
            raise
    outcome.seen = dict(_totals(world))
    for name in sorted(world.disk.files):
        outcome.fingerprint = zlib.crc32(bytes(world.disk.files[name].seen), outcome.fingerprint)
    return outcome


def _scaled(plan: Plan) -> ExitStack:
    """The server's measures made as small as the run is, so that it meets its limits."""
    stack = ExitStack()
    stack.enter_context(patch.object(log, "STEP_BYTES", plan.compaction))
    stack.enter_context(patch.object(connection, "OUTPUT_LIMIT", plan.output_limit))
    stack.enter_context(patch.object(connection, "INPUT_LIMIT", plan.input_limit))
    return stack


def _totals(world: World) -> Counter[str]:
    seen = world.seen
    seen["replies"] = sum(client.replies for client in world.clients)
    seen["refused jobs"] = world.disk.refusals
    return seen


class Run:
    """The order of events, drawn step by step."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.rng = world.rng
        self.plan = world.plan

    def whole(self) -> None:
        world = self.world
        world.start()
        for _ in range(self.plan.steps):
            self.step()
        self.last_words()

    def step(self) -> None:
        world, rng = self.world, self.rng
        self.trouble()
        if world.process is None:
            world.clock.advance(rng.uniform(0.0, 2.0))
            world.start()
        for client in world.clients:
            if rng.random() < 0.5:
                self.act(client)
        for _ in range(rng.choice((1, 1, 2, 3))):
            world.turn()
            self.stop_if_failing()
        self.pass_time()
        if rng.random() < 0.3:
            world.check()
        if rng.random() < 0.04:
            world.check_replay()
        if rng.random() < 0.04:
            world.settle()
            world.check()

    def trouble(self) -> None:
        """Plan what will go wrong."""
        world, rng, plan = self.world, self.rng, self.plan
        if rng.random() < plan.crashes:
            kind = world.draw_crash()
            if rng.random() < 0.2:
                world.crash(kind)
            else:
                world.plan_crash(kind)
        if rng.random() < plan.errors:
            world.plan_error()
        if rng.random() < plan.jumps:
            world.jump(rng.choice((-1, 1)) * rng.choice((0.5, 10.0, 3600.0, 1e6)))
        if rng.random() < plan.full_disks:
            world.fill_disk(rng.choice((0, 0, plan.settings.segment, 10 * plan.settings.segment)))
        if rng.random() < plan.stops and world.process is not None:
            self.stop()

    def stop_if_failing(self) -> None:
        """A process that knows of its disk's failure stops soon."""
        process = self.world.process
        if process is not None and process.failing and self.rng.random() < 0.5:
            self.stop()

    def stop(self) -> None:
        """Ask the server to stop, and wait until it has."""
        world = self.world
        process = world.process
        assert process is not None
        world.tell(f"the server stops{' because its disk has failed' if process.failing else ''}")
        process.stop()
        while world.process is process:
            world.turn(eager=self.rng.random() < 0.5)
            for client in world.clients:
                if self.rng.random() < 0.3:
                    client.read(self.rng.randint(1, 5000), world.disk.refusals)
            world.clock.advance(self.rng.uniform(0.0, 0.2))
        if self.rng.random() < 0.5:
            world.crash(world.draw_crash())

    def pass_time(self) -> None:
        world, rng = self.world, self.rng
        roll = rng.random()
        if roll < 0.4:
            world.clock.advance(rng.uniform(0.0, 0.02))
        elif roll < 0.6 and world.process is not None and (when := world.process.loop.next_timer()) is not None:
            world.clock.advance(max(0.0, min(when - world.clock.steady, 1000.0)))
        elif roll < 0.7:
            world.clock.advance(rng.uniform(0.1, 3.0))
        elif roll < 0.71:
            world.clock.advance(rng.uniform(10.0, 1000.0))

    # Clients

    def act(self, client: SimulatedClient) -> None:
        world, rng = self.world, self.rng
        if client.link is None:
            world.connect(client)
            return
        roll = rng.random()
        if roll < 0.01:
            client.vanish()
            return
        if roll < 0.02 and not client.ended:
            client.half_close()
        if not client.ended and len(client.outstanding) < rng.choice((1, 3, 12)):
            for _ in range(rng.choice((1, 1, 1, 2, 5))):
                if not client.ended:
                    client.send(world.commands.draw(client, len(world.ledger.jobs)), world.refusals)
        client.push(rng.choice((len(client.outgoing), rng.randint(0, len(client.outgoing)))))
        if rng.random() < 0.8:
            client.read(rng.choice((1 << 30, rng.randint(1, 300))), world.disk.refusals)

    # The end

    def last_words(self) -> None:
        """No more trouble: everything is answered, and the next server finds everything."""
        world = self.world
        world.faults.forget()
        world.faults.failed = world.process is not None and world.process.failing
        if world.process is not None and world.process.failing:
            self.stop()
        if world.process is None:
            world.start()
        world.settle()
        world.check()
        world.check_replay()
        if world.process is not None and self.rng.random() < 0.5:
            self.stop()
        else:
            world.crash(world.draw_crash())
        world.start()


__all__ = ["Outcome", "Plan", "run"]
