"""Until when a worker's calls may run, in memory that its supervisor reads: who holds the interpreter lock cannot tell.

Each slot has a number there, the moment (of the monotonic clock, which all processes share) at which its process is
killed; 0 while it makes no call. The first number is the supervisor's: when it will look next. Who has an earlier
deadline rings, which is nearly never: calls that have ended leave the plan as it is.

Behind them each slot says which job it has, and behind that the supervisor writes for whose sake it has killed a
process, into the memory of all: whoever is handed such a job next knows that it has overrun its time.
"""

import mmap
import os
from collections.abc import Callable, Iterable

SIZE = 8
"""Bytes of a number."""

TOLD = 64
"""Jobs that have overrun and are remembered. They are handed out again at once, so that this is more than enough."""


class Deadlines:
    """Of one worker process, as both sides see them. Both use the numbers that concern them. Jobs are told by their
    fingerprints.
    """

    def __init__(self, slots: int, descriptor: int = -1, ring: Callable[[], object] = lambda: None) -> None:
        """`descriptor`: of the memory that both have; without one nobody else looks. `ring` wakes the supervisor."""
        self._memory = mmap.mmap(descriptor, _size(slots))
        self._numbers = memoryview(self._memory).cast("d")
        self._slots = slots
        self._told = range(2 * slots + 1, 2 * slots + 1 + TOLD)
        self._next = 0
        self._ring = ring

    # The worker

    def begin(self, slot: int, job: int) -> None:
        """What the slot makes next is the call of this job. Slots count from 1."""
        self._numbers[self._slots + slot] = job

    @property
    def knows_overruns(self) -> bool:
        """Whether it was ever told of a job that has overrun; nearly never."""
        return self._numbers[self._told.start] != 0.0

    def has_overrun(self, job: int) -> bool:
        """Whether the process that had the job last was killed because its call did not end."""
        return job in self._numbers[self._told.start :].tolist()

    def put(self, slot: int, deadline: float) -> None:
        """The slot's call has to be over by then."""
        self._numbers[slot] = deadline
        if deadline < self._numbers[0]:
            # Though the call may have ended when the supervisor looks: the next need not ring.
            self._numbers[0] = deadline
            self._ring()

    def clear(self, slot: int) -> None:
        """The slot's call is over."""
        self._numbers[slot] = 0.0

    # The supervisor

    def nearest(self, now: float) -> float:
        """When to look next; infinity for not until somebody rings."""
        planned = self._numbers[0]
        self._numbers[0] = float("inf")  # until this is computed, everybody rings
        nearest = min(filter(None, self._numbers[1 : self._slots + 1]), default=float("inf"))
        self._numbers[0] = nearest = min(nearest, planned) if planned > now else nearest
        return nearest

    def over(self, now: float) -> list[int]:
        """The jobs whose calls still run and should not."""
        slots = range(1, self._slots + 1)
        return [int(self._numbers[self._slots + slot]) for slot in slots if 0.0 < self._numbers[slot] <= now]

    def tell(self, jobs: Iterable[int]) -> None:
        """For their sake a process is killed: another one, or the next, is handed them."""
        for job in jobs:
            self._numbers[self._told[self._next]] = job
            self._next = (self._next + 1) % TOLD

    def close(self) -> None:
        """Nobody uses them any more."""
        self._numbers.release()
        self._memory.close()


def shared_memory(slots: int) -> int:
    """A descriptor of memory for so many slots, which vanishes with its last holder."""
    descriptor = os.memfd_create("ayl deadlines")
    os.ftruncate(descriptor, _size(slots))
    return descriptor


def _size(slots: int) -> int:
    """Bytes for so many slots."""
    return SIZE * (1 + 2 * slots + TOLD)
