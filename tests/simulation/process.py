"""One life of the server process: from the replay to the crash or the stop."""

from __future__ import annotations

import inspect
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from ayl_server.binlog.disk import LogFullError
from ayl_server.binlog.recovery import Recovery, open_log
from ayl_server.broker import Broker
from ayl_server.listener import Client, Server
from ayl_server.model import ProcessFacts

from .faults import BrokenError
from .invariants import check
from .log_invariants import check_log
from .loop import SimulatedLoop
from .network import Link, SimulatedHangups, SimulatedTransport

if TYPE_CHECKING:
    import asyncio
    import random
    from collections.abc import Callable, Coroutine, Iterator

    from ayl_server.binlog.log import Log
    from ayl_server.connection import Connection

    from .clock import Clock
    from .disk import SimulatedDisk
    from .ledger import Ledger
    from .plan import Plan, Settings

FACTS = ProcessFacts(
    pid=1, user_seconds=0.0, system_seconds=0.0, instance="0badcafe", hostname="here", os="none", platform="none"
)


def fresh_broker(plan: Plan, clock: Clock) -> Broker:
    return Broker(facts=lambda: FACTS, started=clock.steady, max_job_size=plan.max_job_size, max_memory=plan.max_memory)


def replayed(disk: SimulatedDisk, settings: Settings, broker: Broker, clock: Clock, rng: random.Random) -> Recovery:
    """What the server does at its start."""
    return open_log(
        disk,
        settings.policy(broker.max_job_size),
        broker,
        clock.clocks(),
        salt=lambda: rng.getrandbits(32),
        complain=lambda _: None,
    )


class Process:
    """The server with its loop and its clients' transports."""

    def __init__(
        self, settings: Settings, clock: Clock, ledger: Ledger, broker: Broker, log: Log, *, high: int
    ) -> None:
        self.high = high
        self.clock = clock
        self.ledger = ledger
        self.broker = broker
        self.log = log
        self.loop = SimulatedLoop(clock)
        self.transports: list[SimulatedTransport] = []
        self.accepted = 0
        self.failing = False
        self._stop: Coroutine[Any, Any, None] | None = None
        self.stopping: asyncio.Task[None] | None = None
        self.server = Server(
            self.loop.asyncio,
            broker,
            clock.clocks(),
            say=_be_silent,
            log=log,
            failed=self._fail,
        )
        self.hangups = SimulatedHangups()
        self.server.hangups = cast("Any", self.hangups)
        self.server.after_event()

    def _fail(self, error: OSError) -> None:
        self.failing = True
        if isinstance(error, LogFullError):
            raise BrokenError("the binlog has no room for a change of an old job") from error

    def accept(self, link: Link, sending: Callable[[], None]) -> None:
        protocol = Client(self.server)
        self.accepted += 1
        transport = SimulatedTransport(self.loop, protocol, link, self.accepted, high=self.high, sending=sending)
        self.transports.append(transport)
        protocol.connection_made(transport)

    def turn(self, rng: random.Random, *, eager: bool) -> None:
        """One turn of the loop. Eager: all that has come is read, all that fits is sent."""
        events: list[Callable[[], None]] = []
        self.transports = [transport for transport in self.transports if not transport.over]
        for transport in self.transports:
            if transport.readable and (eager or rng.random() < 0.6):
                events.append(partial(transport.read, None if eager else rng))
            if transport.writable and (eager or rng.random() < 0.6):
                events.append(partial(transport.flush, None if eager else rng))
            if self.hangups.seen(transport):
                events.append(partial(self.hangups.tell, transport))
        rng.shuffle(events)
        self.loop.turn(events, events_first=rng.random() < 0.5)
        if self.stopping is not None and self.stopping.done():
            self.stopping.result()

    def stop(self) -> None:
        if self.stopping is None:
            self._stop = _stop(self.server)
            self.stopping = self.loop.start(self._stop)

    def abandon(self) -> None:
        """The process is no more."""
        if self._stop is not None and inspect.getcoroutinestate(self._stop) == inspect.CORO_CREATED:
            self._stop.close()

    @property
    def stopped(self) -> bool:
        return self.stopping is not None and self.stopping.done()

    @property
    def restless(self) -> bool:
        """Whether something is left to do without time passing."""
        return self.loop.busy or any(
            transport.readable or transport.writable or self.hangups.seen(transport) for transport in self.transports
        )

    def connections(self) -> Iterator[Connection]:
        for client in self.server.clients.values():
            yield client.connection

    def waiting_links(self) -> list[Link]:
        """Of the clients that wait in reserve."""
        waiting = {client for client in self.server.clients.values() if client.connection.session.waiting}
        return [transport.link for transport in self.transports if transport.protocol in waiting]

    def check(self, disk: SimulatedDisk) -> None:
        check(self.broker, self.connections(), self.ledger, self.clock.steady)
        check_log(self.log, self.broker, disk)


async def _stop(server: Server) -> None:
    """A coroutine that can be asked how far it is; the compiled server's cannot."""
    await server.stop()


def _be_silent(*_: object) -> None:
    """For -V, which is not given."""
