"""Which of its jobs a child process is at, in memory that outlives it: who is dead cannot tell.

Jobs are numbered in the order in which the child was handed them, and it begins with them in that order. So one number
says of all of them what became of them: those before it have ended, those behind it were not begun with.
"""

import mmap
import os
from collections.abc import Iterator
from contextlib import contextmanager

_AT, _KEPT, _SECONDS = range(3)

SIZE = 3 * 8
"""Bytes of the memory: a few whole numbers."""


class Tally:
    """Of one child, as both sides see it."""

    def __init__(self, descriptor: int) -> None:
        self._memory = mmap.mmap(descriptor, SIZE)
        self._numbers = memoryview(self._memory).cast("q")

    @classmethod
    @contextmanager
    def shared(cls) -> Iterator[tuple["Tally", int]]:
        """With a process that is started within this span, and gets the descriptor."""
        memory = os.memfd_create("ayl tally")
        try:
            os.ftruncate(memory, SIZE)
            yield cls(memory), memory
        finally:
            os.close(memory)

    # The child

    def begin(self, number: int) -> None:
        """From now on whatever befalls the process is this job's affair."""
        self._numbers[_AT] = number

    def end(self, number: int) -> None:
        """The job is done, though nobody has been told yet."""
        self._numbers[_AT] = -number

    def keep(self, seconds: int) -> None:
        """The lease of the job that runs is to be kept alive; `seconds`: its time to run."""
        self._numbers[_SECONDS] = seconds
        self._numbers[_KEPT] = self._numbers[_AT]

    def leave(self) -> None:
        """It has ended."""
        self._numbers[_KEPT] = 0

    # Its relay

    @property
    def at(self) -> int:
        """The number of the job that it is at; less than 0 once that is done, 0 before the first."""
        return self._numbers[_AT]

    @property
    def kept(self) -> int:
        """The number of the job whose lease is to be kept alive; 0 for none."""
        return self._numbers[_KEPT]

    @property
    def seconds(self) -> int:
        """Of that job: the time to run."""
        return self._numbers[_SECONDS]

    def close(self) -> None:
        """Nobody uses it any more."""
        self._numbers.release()
        self._memory.close()
