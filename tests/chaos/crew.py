"""The supervisors of a campaign: the one place that knows how `ayl_worker` is started and what its log says."""

from __future__ import annotations

import re
import signal
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from tests.processes.deadline import eventually
from tests.processes.worker.workshop import Supervisor

from . import mixture

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .proxy import Proxy

ROOT = Path(__file__).resolve().parents[2]

PATIENCE = 1.0
"""Seconds that the workers wait for each answer of the server."""

EXPECTED_DEATHS = re.compile(
    r"(worker|process) \d+ (of a slot )?"
    rf"(ended( for a call that overran)?|.*\b(SIGTERM|{'|'.join(mixture.DEATHS)})(;.*)?)$"
)
"""Ends of worker processes that the campaign itself brings about."""

DEATH = re.compile(r"(?:worker|process) (\d+) (?:of a slot )?(?:ended|was killed|could not start|retired)\b.*$")

STARTED = re.compile(r"ayl_worker\[(\d+)\] started (?:worker|process) (\d+)\b")


@dataclass(frozen=True)
class Manner:
    """How workers run their calls."""

    processes: int = 2
    """Of each supervisor."""
    words: tuple[str, ...] = ()
    """Of the command line, besides."""
    ends_within: float = 2.0
    """Seconds after its time to run by which the worker has ended any call."""


MANNERS = (Manner(), Manner(), Manner(2, ("--processes", "1")))


@dataclass
class Worker:
    """A place for one supervisor after the other, all behind one proxy."""

    name: str
    proxy: Proxy
    manner: Manner
    folder: Path
    supervisor: Supervisor = field(init=False)
    former: list[Supervisor] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._numbers = count(1)
        self.begin()

    def begin(self) -> None:
        """Start a supervisor, the first one or in place of one that has ended."""
        self.supervisor = Supervisor(
            ("--app-path", str(ROOT), "--require", mixture.__name__, "--workers", str(self.manner.processes),
             "--log-level", "INFO", *self.manner.words),
            {
                "AYL_APP": mixture.APP, "AYL_VERSION": mixture.VERSION, "AYL_ENGINE": self.proxy.url,
                "AYL_TIMEOUT": str(PATIENCE), "CHAOS_FOLDER": str(self.folder), "CHAOS_WORKER": self.name,
                "PYTHONPATH": str(ROOT),
            },
            self.folder / f"{self.name}-{next(self._numbers)}.log",
            self.folder,
        )  # fmt: skip

    def replace(self) -> None:
        """After its end, as an init system does."""
        self.former.append(self.supervisor)
        self.begin()

    def processes(self) -> list[int]:
        """The pids of its worker processes, and of those of their slots, that have not ended."""
        lines = self.supervisor.log().splitlines()
        ended = {int(found[1]) for found in map(DEATH.search, lines) if found}
        parents = {int(found[2]): int(found[1]) for found in map(STARTED.search, lines) if found}
        return [pid for pid, parent in parents.items() if pid not in ended and parent not in ended]

    def children(self, parent: int) -> list[int]:
        """The pids of those that a worker process has ever started, and with which they die."""
        found = map(STARTED.search, self.supervisor.log().splitlines())
        return [int(started[2]) for started in found if started and int(started[1]) == parent]

    def supervisors(self) -> Iterator[Supervisor]:
        """All that it ever had."""
        yield from self.former
        yield self.supervisor

    def surprises(self) -> list[str]:
        """Lines about ends that nobody here brought about."""
        return [
            line
            for supervisor in self.supervisors()
            for line in supervisor.logs(DEATH.pattern)
            if not EXPECTED_DEATHS.search(line)
        ]

    def stop(self) -> None:
        """As an init system stops it, once it has begun: everything ends well, and nothing stays behind."""
        self.supervisor.awaits("started worker")
        self.supervisor.gets(signal.SIGTERM)
        code = self.supervisor.wait()
        assert code == 0, f"{self.name} ended with {code}: {self.supervisor.log()}"
        eventually(lambda: not any(supervisor.left_behind() for supervisor in self.supervisors()), self.supervisor.log)

    def close(self) -> None:
        """Leave nothing running."""
        for supervisor in self.supervisors():
            with suppress(ProcessLookupError):
                supervisor.close()
        self.proxy.close()
