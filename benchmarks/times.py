"""When the calls of workers began, as they have written it down (`benchmarks/peers/nothing.py`)."""

import mmap
from bisect import bisect_left
from pathlib import Path

from benchmarks.peers.nothing import CALLS


class Times:
    """What the calls of all processes have written into a directory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._files: dict[Path, memoryview[int]] = {}

    def count(self) -> int:
        """Calls made so far."""
        return sum(_written(file) for file in self._opened())

    def sorted(self) -> list[int]:
        """When each began, nanoseconds of the monotonic clock."""
        return sorted(time for file in self._opened() for time in file[: _written(file)])

    def _opened(self) -> "list[memoryview[int]]":
        for path in self._directory.iterdir():
            # A file that has just been made may not have its size yet.
            if path not in self._files and path.stat().st_size == CALLS * 8:
                with path.open("rb") as file:
                    mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
                self._files[path] = memoryview(mapped).cast("Q")
        return list(self._files.values())


def _written(file: "memoryview[int]") -> int:
    """They are written in order, so the first zero ends them."""
    return bisect_left(file, True, key=lambda time: time == 0)
