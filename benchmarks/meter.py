"""Clock and CPU time of a measured stretch: the server's use of its core, and the generator's waiting."""

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from benchmarks.connection import Watch

# The server is still busy when its last reply arrives; once it sleeps, the kernel's account is up to date.
SETTLE_SECONDS = 0.01
DISTURBED_SHARE = 0.05


@dataclass(frozen=True, slots=True)
class Sample:
    """One measured stretch of one load on one server."""

    commands: int
    seconds: float
    server_cpu_seconds: float
    generator_waited_seconds: float
    queued_seconds: float  # server and generator were ready to run, and something else had their core

    @property
    def commands_per_second(self) -> float:
        return self.commands / self.seconds

    @property
    def cpu_us_per_command(self) -> float:
        return self.server_cpu_seconds * 1e6 / self.commands

    @property
    def server_busy(self) -> float:
        return self.server_cpu_seconds / self.seconds

    @property
    def generator_busy(self) -> float:
        """The share of the time in which it had something to do but wait for replies."""
        return 1 - self.generator_waited_seconds / self.seconds

    @property
    def disturbed(self) -> bool:
        """Other processes took so much of the two cores that the throughput says little."""
        return self.queued_seconds > self.seconds * DISTURBED_SHARE


def total(parts: Sequence[Sample]) -> Sample:
    """Stretches of the same work as one."""
    return Sample(
        commands=sum(part.commands for part in parts),
        seconds=sum(part.seconds for part in parts),
        server_cpu_seconds=sum(part.server_cpu_seconds for part in parts),
        generator_waited_seconds=sum(part.generator_waited_seconds for part in parts),
        queued_seconds=sum(part.queued_seconds for part in parts),
    )


@dataclass(frozen=True, slots=True)
class Account:
    """What a process and all its living threads have had so far."""

    cpu_seconds: float
    queued_seconds: float  # spent waiting for a core

    @classmethod
    def of(cls, pid: int) -> Self:
        """From schedstat, in nanoseconds; a kernel without it has only the ticks (10 ms) of stat."""
        threads = [path.read_text().split() for path in Path(f"/proc/{pid}/task").glob("*/schedstat")]
        if threads:
            return cls(sum(int(one[0]) for one in threads) / 1e9, sum(int(one[1]) for one in threads) / 1e9)
        # The name in brackets may hold spaces; utime and stime are the 12th and 13th field after it.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return cls((int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"), 0)


class Meter:
    """Measures what happens inside its `with` block."""

    def __init__(self, server_pid: int, watch: Watch) -> None:
        self._server_pid = server_pid
        self._watch = watch

    def __enter__(self) -> Self:
        time.sleep(SETTLE_SECONDS)
        self._server, self._generator = Account.of(self._server_pid), Account.of(os.getpid())
        self._waited = self._watch.waited_seconds
        self._clock = time.perf_counter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended = time.perf_counter()
        self._generator_ended = Account.of(os.getpid())
        time.sleep(SETTLE_SECONDS)
        self._server_ended = Account.of(self._server_pid)

    def sample(self, commands: int) -> Sample:
        queued = self._server_ended.queued_seconds - self._server.queued_seconds
        queued += self._generator_ended.queued_seconds - self._generator.queued_seconds
        return Sample(
            commands=commands,
            seconds=self._ended - self._clock,
            server_cpu_seconds=self._server_ended.cpu_seconds - self._server.cpu_seconds,
            generator_waited_seconds=self._watch.waited_seconds - self._waited,
            queued_seconds=queued,
        )
