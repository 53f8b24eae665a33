"""Where binlogs are written, and what that disk can do."""

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.processes import ServerError

PLACES = (Path("/var/tmp"), Path(__file__).resolve().parent.parent)  # noqa: S108 - a fresh directory is made in it
IN_MEMORY = {"tmpfs", "ramfs"}
APPENDED = b"x" * 4096
TIMES = 200
FLUSHES = 15  # the field of /sys/dev/block/*/stat with the flush requests completed


@contextmanager
def scratch() -> Iterator[Path]:
    """A directory on a real disk, for a while."""
    for place in PLACES:
        if file_system(place) not in IN_MEMORY:
            with tempfile.TemporaryDirectory(prefix="benchmark-", dir=place) as directory:
                yield Path(directory)
                return
    raise ServerError(f"a disk is needed: {' and '.join(map(str, PLACES))} are in memory")


def file_system(path: Path) -> str:
    """The type of the file system that holds `path`."""
    mounts = [line.split()[1:3] for line in Path("/proc/mounts").read_text().splitlines()]
    holding = [(len(point), kind) for point, kind in mounts if path.resolve().is_relative_to(point)]
    return max(holding)[1]


@dataclass(frozen=True, slots=True)
class Disk:
    """What a commit costs, whatever the server."""

    file_system: str
    sync_us: float  # to append 4 KiB and wait for fdatasync, median

    def __str__(self) -> str:
        return (
            f"disk: {self.file_system}; to append 4 KiB and fdatasync takes {self.sync_us:.0f} us (median of {TIMES})"
        )


def measure_disk() -> Disk:
    seconds = []
    with scratch() as directory, (directory / "appended").open("wb", buffering=0) as file:
        for _ in range(TIMES):
            began = time.perf_counter()
            file.write(APPENDED)
            os.fdatasync(file.fileno())
            seconds.append(time.perf_counter() - began)
        return Disk(file_system(directory), median(seconds) * 1e6)


def flushes(path: Path) -> int | None:
    """How often the device under `path` was told to write its cache, by anybody; None where it does not count that."""
    device = path.stat().st_dev
    try:
        fields = Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}/stat").read_text().split()
    except FileNotFoundError:
        return None
    return int(fields[FLUSHES]) if len(fields) > FLUSHES else None
