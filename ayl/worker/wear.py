"""When a worker process has done enough and another is to take its place. Pure but for the look at its memory.

The limits of calls and of time are shortened by up to a fifth, by chance: workers that started together are not worn
together.
"""

import os
from collections.abc import Callable
from math import inf
from time import monotonic
from typing import NamedTuple

SHORTENED = 0.2
"""At most so much of a limit."""

LOOK_SECONDS = 0.05
"""Between two looks at the clock's and the memory's limits, unless calls take longer."""

ASK_AGAIN_SECONDS = 60.0
"""When no successor has come: its start may have failed."""


class Limits(NamedTuple):
    """Of one worker process; None for no limit."""

    jobs: int | None = None
    seconds: float | None = None
    memory: int | None = None
    """Bytes that are resident."""

    def shortened(self, chance: float) -> "Limits":
        """For one process. `chance`: from 0 to 1. Memory is as much as may be had, and stays as it is."""
        part = 1 - SHORTENED * chance
        return Limits(
            None if self.jobs is None else max(1, round(self.jobs * part)),
            None if self.seconds is None else self.seconds * part,
            self.memory,
        )


NO_LIMITS = Limits()


class Wear:
    """Of one process; its slots count together."""

    def __init__(self, limits: Limits, memory: Callable[[], int], worn: Callable[[str], object]) -> None:
        """`memory`: bytes resident now. `worn` is told why, when a limit is reached, and now and then after that."""
        self._limits = limits
        self._memory = memory
        self._worn = worn
        self._jobs = 0
        self._most = inf if limits.jobs is None else limits.jobs
        self._began = monotonic()
        self._look_at = inf if limits.seconds is None and limits.memory is None else 0.0

    def count(self) -> None:
        """A call has ended."""
        self._jobs += 1
        if self._jobs >= self._most or (self._look_at < inf and monotonic() >= self._look_at):
            self._look()

    @property
    def jobs(self) -> int:
        """Calls that have ended."""
        return self._jobs

    def renew(self) -> None:
        """Another is to take the place, whatever the limits say."""
        self._worn("as it was asked")

    def _look(self) -> None:
        now = monotonic()
        reason = self.reason(self._jobs, now - self._began)
        if reason:
            self._worn(reason)
            # From now on only the clock counts.
            self._most = inf
            self._look_at = now + ASK_AGAIN_SECONDS
        else:
            self._look_at = now + LOOK_SECONDS

    def reason(self, jobs: int, seconds: float) -> str:
        """Why the process has done enough, after so many calls and seconds; empty if it has not."""
        limits = self._limits
        if limits.jobs is not None and jobs >= limits.jobs:
            return f"{jobs} calls"
        if limits.seconds is not None and seconds >= limits.seconds:
            return f"{seconds:.0f} s"
        if limits.memory is not None and (memory := self._memory()) >= limits.memory:
            return f"{memory / 1024**2:.0f} MB of memory"
        return ""


def resident() -> int:
    """Bytes of this process that are in memory."""
    with open("/proc/self/statm", "rb") as file:  # noqa: PTH123 - after each call that takes long: half the time
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
