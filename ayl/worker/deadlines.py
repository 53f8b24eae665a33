"""Until when a worker's calls may run, in memory that its supervisor reads: who holds the interpreter lock cannot tell.

Each slot has a number there, the moment (of the monotonic clock, which all processes share) at which its process is
killed; 0 while it makes no call. The first number is the supervisor's: when it will look next. Who has an earlier
deadline rings, which is nearly never: calls that have ended leave the plan as it is.
"""

import mmap
import os
from collections.abc import Callable

SIZE = 8
"""Bytes of a number."""


class Deadlines:
    """Of one worker process, as both sides see them. Both use the numbers that concern them."""

    def __init__(self, slots: int, descriptor: int = -1, ring: Callable[[], object] = lambda: None) -> None:
        """`descriptor`: of the memory that both have; without one nobody else looks. `ring` wakes the supervisor."""
        self._memory = mmap.mmap(descriptor, SIZE * (slots + 1))
        self._numbers = memoryview(self._memory).cast("d")
        self._ring = ring

    # The worker

    def put(self, slot: int, deadline: float) -> None:
        """The slot's call has to be over by then. Slots count from 1."""
        self._numbers[slot] = deadline
        if deadline < self._numbers[0]:
            self._numbers[0] = (
                deadline  # though the call may have ended when the supervisor looks: the next need not ring
            )
            self._ring()

    def clear(self, slot: int) -> None:
        """The slot's call is over."""
        self._numbers[slot] = 0.0

    # The supervisor

    def nearest(self, now: float) -> float:
        """When to look next; infinity for not until somebody rings."""
        planned = self._numbers[0]
        self._numbers[0] = float("inf")  # until this is computed, everybody rings
        nearest = min(filter(None, self._numbers[1:]), default=float("inf"))
        self._numbers[0] = nearest = min(nearest, planned) if planned > now else nearest
        return nearest

    def is_over(self, now: float) -> bool:
        """Whether a call still runs that should not."""
        return any(0.0 < deadline <= now for deadline in self._numbers[1:])

    def close(self) -> None:
        """Nobody uses them any more."""
        self._numbers.release()
        self._memory.close()


def shared_memory(numbers: int) -> int:
    """A descriptor of memory for so many numbers, which vanishes with its last holder."""
    descriptor = os.memfd_create("ayl worker")
    os.ftruncate(descriptor, SIZE * numbers)
    return descriptor
