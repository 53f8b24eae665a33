"""Calls are sent, and blow after blow falls on those who are to make them; then all is healed and drained."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from math import inf
from random import Random
from typing import TYPE_CHECKING

import greenstalk

import ayl
from ayl import delivery, settings
from ayl import message as messages
from tests.processes.deadline import PATIENCE as SEND_PATIENCE
from tests.processes.deadline import eventually
from tests.processes.servers import AYL_SERVER, Kind, Server, free_port

from . import events, mixture
from .crew import MANNERS, PATIENCE, Manner, Worker
from .figures import NOBODY, Figures, Incident, judged, may_be_buried, table
from .load import Load
from .proxy import Proxy, Side

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

BACKLOG = 300
"""Calls that wait at most, so that the blows fall on all of them."""

STALL_SECONDS = 60.0
"""When nothing happens for so long although nothing is broken any more, something is stuck."""

TUBE = f"{mixture.APP}/{mixture.VERSION}"


@dataclass
class Campaign:
    """One server with its binlog, and workers that reach it each through a proxy of its own."""

    folder: Path
    seed: int
    kind: Kind = AYL_SERVER
    workers: int = 4
    manners: Sequence[Manner] = MANNERS
    """Of the workers in turn."""
    incidents: list[Incident] = field(default_factory=list)
    buried: Counter[int] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        # The choices of the load and of the blows do not depend on how fast this machine is.
        self.load = Load(Random(f"{self.seed} load"))  # noqa: S311 - the same for the same seed, no secrets
        self.chance = Random(f"{self.seed} blows")  # noqa: S311 - as above
        self.port = free_port()
        for name in ("binlog", "attempts"):
            (self.folder / name).mkdir()
        self.server = self._start()
        # The disk is synced for each call, and may be busy with others.
        ayl.configure(app=mixture.APP, version=mixture.VERSION, engine=self.server.url, send_timeout=SEND_PATIENCE)
        self.crew = [
            Worker(f"worker{number}", Proxy(self.port), self.manners[number % len(self.manners)], self.folder)
            for number in range(self.workers)
        ]
        self._weather: dict[str, tuple[float, Callable[[], None]]] = {}

    def run(self, calls: int, seconds: float = 0.0, told: Callable[[str], object] = lambda _: None) -> Figures:
        """So many calls; spread over that time, or as fast as they are made. AssertionError tells what went wrong."""
        begun = time.monotonic()
        while (left := calls - len(self.load.sent)) > 0 or time.monotonic() < begun + seconds:
            due = calls * (time.monotonic() - begun) / seconds - len(self.load.sent) if seconds else left
            self.load.send(max(0, min(left, int(due), BACKLOG - self._waiting())))
            time.sleep(self.chance.uniform(0.1, 1.0))
            self.heal(time.monotonic())
            blow = self.chance.choices(list(BLOWS), [share for share, _ in BLOWS.values()])[0]
            BLOWS[blow][1](self)
            told(f"{time.monotonic() - begun:.0f} s: {len(self.load.sent)} calls sent; {blow}")
        self.heal()
        told(f"{time.monotonic() - begun:.0f} s: all is healed; the rest drains")
        self.drain()
        for worker in self.crew:
            worker.stop()
        return self.judge()

    def drain(self) -> None:
        """Until all calls have left the server. What is buried is given back, if it had a reason."""
        changed, before = time.monotonic(), -1
        with self.server.client(use=TUBE) as client:
            while counts := self._counts(client):
                if counts == Counter({"buried": counts["buried"]}):
                    self._give_back(client, counts["buried"])
                news = sum(path.stat().st_size for path in self.folder.glob("*.events"))
                if news != before:
                    changed, before = time.monotonic(), news
                assert time.monotonic() < changed + STALL_SECONDS, f"nothing moves; {counts}; {self.where()}"
                time.sleep(0.05)

    def judge(self) -> Figures:
        runs = events.read(self.folder)
        figures = judged(self.load.sent, runs, self.incidents)
        figures.buried = self.buried.total()
        wrong = figures.wrong() + [line for worker in self.crew for line in worker.surprises()]
        if figures.longest_overrun > max(manner.ends_within for manner in self.manners):
            wrong.append(f"a call went on for {figures.longest_overrun:.2f} s after its time to run was over")
        assert not wrong, "\n".join([self.where(), *wrong, "", table(figures)])
        return figures

    def close(self) -> None:
        """Leave nothing running."""
        for worker in self.crew:
            worker.close()
        self.server.kill()
        delivery.close()
        settings.reset()

    def where(self) -> str:
        """Where to read more."""
        return f"seed {self.seed}; see the logs in {self.folder}"

    # The server's view

    def _waiting(self) -> int:
        with self.server.client() as client:
            counts = self._counts(client)
        return counts["ready"] + counts["delayed"]

    @staticmethod
    def _counts(client: greenstalk.Client[bytes]) -> Counter[str]:
        """How many jobs there are in which state; those in none are left out."""
        with suppress(greenstalk.NotFoundError):
            found: dict[str, object] = {**client.stats_tube(TUBE)}
            states = ("ready", "reserved", "delayed", "buried")
            return Counter({state: int(str(found[name])) for state in states if found[name := f"current-jobs-{state}"]})
        return Counter()

    def _give_back(self, client: greenstalk.Client[bytes], number: int) -> None:
        """As an operator does who has seen that the calls are not to blame."""
        runs = events.read(self.folder)
        for _ in range(number):
            job = client.peek_buried()
            message = messages.decode(job.body)
            assert isinstance(message, messages.Message)
            call = int(message.args[0])
            assert may_be_buried(run for run in runs if run.call == call), f"{message} is buried; {self.where()}"
            self.buried[call] += 1
            client.kick(1)

    def _start(self) -> Server:
        server = Server(self.kind, self.folder, "-b", str(self.folder / "binlog"), "-f", "0", port=self.port)
        assert server.await_start(), server.log()
        return server

    # Blows

    @contextmanager
    def _incident(self, what: str, worker: str = "", process: str = "") -> Iterator[None]:
        begin = time.monotonic()
        yield
        self.incidents.append(Incident(what, begin, time.monotonic(), worker, process))

    def kill_process(self) -> None:
        worker, pid = self._someone()
        begin = time.monotonic()
        with self._incident("a process was killed", worker.name, str(pid)), suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        end = time.monotonic()
        for child in worker.children(pid):
            self.incidents.append(Incident("a process died with its worker", begin, end, worker.name, str(child)))

    def end_process(self) -> None:
        worker, pid = self._someone()
        with self._incident("a process got SIGTERM", worker.name, NOBODY), suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)

    def kill_supervisor(self) -> None:
        worker = self.chance.choice(self.crew)
        with self._incident("a supervisor was killed", worker.name, NOBODY):
            worker.supervisor.gets(signal.SIGKILL)
            worker.supervisor.process.wait()
        worker.replace()

    def stop_supervisor(self) -> None:
        worker = self.chance.choice(self.crew)
        with self._incident("a supervisor got SIGTERM", worker.name, NOBODY):
            worker.stop()
        worker.replace()

    def kill_server(self) -> None:
        down = self.chance.choice([0.0, self.chance.uniform(0, 0.3), self.chance.uniform(0, 2.0)])
        with self._incident("the server was killed"):
            self.server.kill()
            time.sleep(down)
            self.server = self._start()

    def freeze_server(self) -> None:
        """For longer than the workers' patience, or less."""
        with self._incident("the server stood still"):
            self.server.gets(signal.SIGSTOP)
            time.sleep(self.chance.uniform(0.1, 2 * PATIENCE))
            self.server.gets(signal.SIGCONT)

    def cut(self) -> None:
        worker = self.chance.choice(self.crew)
        with self._incident("the network was cut", worker.name):
            worker.proxy.cut()

    def cut_an_answer(self) -> None:
        worker = self.chance.choice(self.crew)
        size = self.chance.randint(0, 40) if self.chance.random() < 0.5 else self.chance.randint(0, 400)
        self._for_a_while("an answer was cut in the middle", worker, lambda: worker.proxy.cut_after(size))

    def half_close(self) -> None:
        worker = self.chance.choice(self.crew)
        side: Side = self.chance.choice(("worker", "server"))
        with self._incident(f"the {side}'s stream was closed", worker.name):
            worker.proxy.half_close(side)

    def delay(self) -> None:
        worker, seconds = self.chance.choice(self.crew), self.chance.uniform(0.02, 1.5 * PATIENCE)
        self._for_a_while("answers were late", worker, lambda: worker.proxy.delay(seconds))

    def black_hole(self) -> None:
        worker = self.chance.choice(self.crew)
        self._for_a_while("nothing came through", worker, worker.proxy.black_hole)

    def heal(self, now: float = inf) -> None:
        """What has lasted long enough by now is in order again."""
        for until, clear in [*self._weather.values()]:
            if until <= now:
                clear()

    def _for_a_while(self, what: str, worker: Worker, begin: Callable[[], None]) -> None:
        """The others are not spared meanwhile. Only one thing at a time is wrong with a proxy."""
        since = time.monotonic()
        until = since + self.chance.uniform(0.1, 3 * PATIENCE)
        if worker.name in self._weather:
            self._weather[worker.name][1]()
        begin()

        def clear() -> None:
            del self._weather[worker.name]
            worker.proxy.heal()
            self.incidents.append(Incident(what, since, time.monotonic(), worker.name))

        self._weather[worker.name] = (until, clear)

    def _someone(self) -> tuple[Worker, int]:
        """A process of a worker."""
        worker = self.chance.choice(self.crew)
        number = self.chance.random()
        processes = eventually(worker.processes, worker.supervisor.log)
        return worker, processes[int(number * len(processes))]


BLOWS: dict[str, tuple[int, Callable[[Campaign], None]]] = {
    "kill a process": (30, Campaign.kill_process),
    "SIGTERM to a process": (12, Campaign.end_process),
    "kill a supervisor": (5, Campaign.kill_supervisor),
    "SIGTERM to a supervisor": (5, Campaign.stop_supervisor),
    "kill the server": (8, Campaign.kill_server),
    "freeze the server": (3, Campaign.freeze_server),
    "cut": (11, Campaign.cut),
    "cut an answer": (9, Campaign.cut_an_answer),
    "half-close": (9, Campaign.half_close),
    "late answers": (4, Campaign.delay),
    "black hole": (4, Campaign.black_hole),
}
"""What may happen, and how often of a hundred."""
