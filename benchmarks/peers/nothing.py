"""The call that every framework makes: it does nothing but write down when it began.

The monotonic clock is the same for all processes of a machine. Each process has a file of its own and no call waits
for another, so that it costs every framework the same tenth of a microsecond, and forks and threads are no matter.
Nothing is loaded here that would count as the memory of a worker (`benchmarks/times.py` reads the files).
"""

import mmap
import os
from itertools import count
from time import monotonic_ns

DIRECTORY = "FRAMEWORKS_TIMES"
"""The environment variable that names the directory of these files."""

CALLS = 1_000_000
"""As many fit into a file, which has holes where nothing is written."""

_next = count().__next__  # atomic
_times: "memoryview[int] | None" = None


def nothing(number: int, text: str) -> None:
    """The no-op; two small arguments."""
    global _times
    if _times is None:
        _times = _own()
    _times[_next()] = monotonic_ns()


def _own() -> "memoryview[int]":
    descriptor = os.open(f"{os.environ[DIRECTORY]}/{os.getpid()}", os.O_RDWR | os.O_CREAT)
    os.ftruncate(descriptor, CALLS * 8)
    return memoryview(mmap.mmap(descriptor, CALLS * 8)).cast("Q")
