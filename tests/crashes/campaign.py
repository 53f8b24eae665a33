"""Crash after crash: load, a kill at a random moment, a restart, judgement."""

from __future__ import annotations

import signal
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from random import Random
from threading import Event, Thread
from typing import TYPE_CHECKING

from tests.processes.deadline import PATIENCE, eventually
from tests.processes.servers import AYL_SERVER, ON_ASYNCIO

from .ids import Ids
from .judge import judge
from .market import TUBE, Market
from .observation import observe
from .owner import LARGEST, Owner
from .wire import Wire, report

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.processes.servers import Kind, Server

    from .servers import Place

SMALL_FILES = ("-s", "16384", "-z", str(LARGEST))

REGIMES: tuple[tuple[str, ...], ...] = (
    ("-f", "0", *SMALL_FILES),
    ("-f", "50", *SMALL_FILES),
    ("-F", *SMALL_FILES),
    ("-f", "0", "-s", "65536"),
    (),
)
"""A crash of the process loses nothing in any of them; small files make all that happens to files happen often."""

KINDS = (AYL_SERVER, ON_ASYNCIO)

TORN = "binlog_torn"
"""All the trouble that a server may tell of, and only after a crash."""


class DiedStartingError(Exception):
    """The deadly call came before the server served: a start on a log of another regime may need many calls."""


@dataclass
class Figures:
    """What a campaign was worth."""

    kills: int = 0
    own_deaths: int = 0
    stops: int = 0
    kills_while_starting: int = 0
    torn: int = 0
    commands: int = 0
    migrated: int = 0
    files: int = 0
    jobs: int = 0

    def __str__(self) -> str:
        return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in vars(self).items())


@dataclass
class Campaign:
    """One binlog and its clients, through many lives of its server."""

    place: Place
    seed: int
    owners: int = 3
    most_commands: int = 2000
    """Answered commands before an end, at most."""
    most_calls: int = 2500
    """Calls to the disk before one that is deadly, at most."""
    figures: Figures = field(default_factory=Figures)

    def __post_init__(self) -> None:
        self.chance = Random(self.seed)  # noqa: S311 - the same choices for the same seed, no secrets
        self.ids = Ids()
        self.clients = [Owner(f"owner{n}", Random(self.seed * 100 + n), self.ids) for n in range(self.owners)]  # noqa: S311
        self.market = Market(self.ids)
        self.rounds = 0
        self.regime: tuple[str, ...] = ()
        self.kind: Kind = AYL_SERVER
        self._next_life()
        self.clean = True
        self.trouble: list[BaseException] = []

    # A life of the server

    def live(self, end: Callable[[Server], None], *, faulty: bool = False) -> None:
        """Start, judge what is there, work until `end` has been done, and see how it ended."""
        with self._started(faulty=faulty) as server:
            self._judge(server)
            with self._load(server):
                end(server)
            self._raise_trouble()

    def kill(self, server: Server) -> None:
        """At any moment."""
        self._await_commands()
        self._measure(server)
        time.sleep(self.chance.uniform(0, 0.03))
        server.kill()
        self.figures.kills += 1
        self.clean = False

    def kill_while_compacting(self, server: Server) -> None:
        """Once old jobs are being written anew, and while more of them are."""
        with closing(Wire(server.dial())) as wire:
            eventually(lambda: _migrated(wire) > 0 or self.trouble)
        self.kill(server)

    def stop(self, server: Server) -> None:
        """As an operator does."""
        self._await_commands()
        server.gets(signal.SIGTERM)
        code = server.wait()
        assert code == 0, f"it ended with {code}: {server.log()}"
        self.figures.stops += 1
        self.clean = True

    def await_own_death(self, server: Server) -> None:
        """The faulty disk kills it, in the middle of a write or at another call."""
        assert server.wait() == -signal.SIGKILL, server.log()
        self.figures.own_deaths += 1
        self.clean = False

    def die_in_a_call(self) -> None:
        """A life that ends in one of the calls that change the disk: in a write, or where files come and go."""
        calls = ["any", "rename", "posix_fallocate", "fsync"]
        if not self.regime:
            calls = ["any"]  # large files come and go too seldom
        elif "-F" in self.regime:
            calls.remove("fsync")
        call = self.chance.choice(calls)
        count = self.chance.randrange(100, self.most_calls) if call == "any" else self.chance.randrange(3, 12)
        self.place.fault("die", f"{call} {count}")
        try:
            self.live(self.await_own_death, faulty=True)
        except DiedStartingError:
            self.figures.kills_while_starting += 1

    def die_while_starting(self) -> None:
        """A few lives that are too short to recover all jobs; whatever they did, the next can go on from there."""
        for _ in range(3):
            begun = time.monotonic()
            server = self.place.start(*self.regime, kind=self.kind)
            time.sleep(max(0.0, self.chance.uniform(0.03, 0.2) - (time.monotonic() - begun)))
            server.kill()
            self.figures.kills_while_starting += 1
        for place in range(1, 8, 2):  # and at a call that changes the disk, if it comes to so many
            self.place.fault("die", f"any {place}")
            with self._starting(faulty=True) as server:
                server.await_start()
            self.figures.kills_while_starting += 1

    def judge(self) -> None:
        """The last word."""
        with self._started(faulty=False) as server:
            self._judge(server)

    # Its parts

    def _next_life(self) -> None:
        """Both event loops by turns; a regime that does not depend on what the turn is."""
        self.kind = KINDS[self.rounds % len(KINDS)]
        self.regime = self.chance.choice(REGIMES)

    @contextmanager
    def _starting(self, *, faulty: bool) -> Iterator[Server]:
        server = self.place.start(*self.regime, kind=self.kind, faulty=faulty)
        try:
            yield server
        finally:
            server.kill()

    @contextmanager
    def _started(self, *, faulty: bool) -> Iterator[Server]:
        if not faulty:
            self.place.heal("die")
        with self._starting(faulty=faulty) as server:
            if not server.await_start():
                if faulty and server.wait() == -signal.SIGKILL:
                    raise DiedStartingError
                raise AssertionError(f"{self} does not start: {server.log()}")
            self._listen()
            yield server
        self._listen(after=True)
        self.rounds += 1
        self._next_life()

    def _listen(self, *, after: bool = False) -> None:
        """No trouble was told of but, after a crash, where the log was cut off."""
        for line in self.place.troubles():
            expected = line.event == TORN and not after and not self.clean
            assert expected, f"{self}: it said {line}; clean: {self.clean}, after: {after}"
            self.figures.torn += 1

    def _judge(self, server: Server) -> None:
        """Compare what is there with what the clients may expect."""
        self.ids.restarted()
        with closing(Wire(server.dial())) as wire:
            unnamed = sum(len(owner.unanswered) for owner in self.clients) + len(self.market.offered)
            observation = observe(wire, self.ids.highest + unnamed + 100)
        wrong = observation.inconsistencies()
        for owner in self.clients:
            wrong += judge(owner, observation)
        wrong += self.market.judge({job.id: job.body for job in observation.of([TUBE]).values()})
        ours = {TUBE}.union(*(owner.tubes for owner in self.clients))
        wrong += [f"job {job.id} is in {job.tube!r}" for job in observation.jobs.values() if job.tube not in ours]
        assert not wrong, "\n".join([f"{self}:", *wrong[:60]])
        self.figures.jobs = len(observation.jobs)
        self.figures.files = int(observation.stats["binlog-current-index"])

    @contextmanager
    def _load(self, server: Server) -> Iterator[None]:
        """All clients at work, until the server is gone."""
        over = Event()
        stopped = over.is_set
        jobs: list[Callable[[Wire], None]] = [partial(owner.work, stopped=stopped) for owner in self.clients]
        jobs.append(partial(self.market.sell, chance=self._more(), name=f"seller{self.rounds}", stopped=stopped))
        jobs += [partial(self.market.buy, chance=self._more(), stopped=stopped) for _ in range(2)]
        threads = [Thread(target=self._client, args=(server, job), daemon=True) for job in jobs]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            over.set()
            for thread in threads:
                thread.join(PATIENCE)
                assert not thread.is_alive(), "a client hangs"
            for owner in self.clients:
                owner.crashed()
            self.figures.commands = self._answered()

    def _more(self) -> Random:
        """Choices for a thread, which must not depend on when the others make theirs."""
        return Random(self.chance.random())  # noqa: S311 - as above

    def _client(self, server: Server, job: Callable[[Wire], None]) -> None:
        try:
            with closing(Wire(server.dial())) as wire:
                job(wire)
        except ConnectionError:
            pass  # it was gone before this client came
        except BaseException as error:  # noqa: BLE001 - told by the thread that judges
            self.trouble.append(error)

    def _raise_trouble(self) -> None:
        for error in self.trouble:
            raise AssertionError(f"{self}: a client found: {error!r}") from error

    def _await_commands(self) -> None:
        """Counted rather than timed, so that a slow machine does as much."""
        wanted = self._answered() + self.chance.randrange(self.most_commands)
        eventually(lambda: self._answered() >= wanted or self.trouble)

    def _answered(self) -> int:
        return sum(owner.answered for owner in self.clients)

    def _measure(self, server: Server) -> None:
        with closing(Wire(server.dial())) as wire:
            self.figures.migrated += _migrated(wire)

    def __str__(self) -> str:
        options = " ".join(self.regime) or "defaults"
        return f"seed {self.seed}, life {self.rounds}, {self.kind.name} with {options}"


def _migrated(wire: Wire) -> int:
    return int(report(wire.ask(b"stats\r\n"))["binlog-records-migrated"])
