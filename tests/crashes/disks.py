"""Disks with little room, of two kinds.

A *mounted* one is a small file system of its own, and its errors are the kernel's. It takes the right to mount, which
containers often do not have. A *metered* one is an ordinary directory and a server whose calls are told that there is
no room (`faulty.py`): that works everywhere, so it is always tried; the other one wherever it can be had. Which ones
are tried is said at the top of each run, so that nothing is left out silently.
"""

from __future__ import annotations

import subprocess
import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .servers import Place

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.processes.servers import Server

KILOBYTE = 1024


class SmallDisk:
    """A place on a disk whose size can be changed."""

    name = ""
    faulty = False

    def __init__(self, place: Place) -> None:
        self.place = place

    def resize(self, size: int) -> None:
        """Let it have so many bytes altogether."""
        raise NotImplementedError

    @contextmanager
    def serving(self, *options: str) -> Iterator[Server]:
        with self.place.serving(*options, faulty=self.faulty) as server:
            yield server


class Mounted(SmallDisk):
    """A tmpfs."""

    name = "mounted"

    def resize(self, size: int) -> None:
        subprocess.run(["mount", "-o", f"remount,size={size}", self.place.binlog], check=True)


class Metered(SmallDisk):
    """A quota."""

    name = "metered"
    faulty = True

    def resize(self, size: int) -> None:
        self.place.fault("quota", size)


@contextmanager
def mounted(folder: Path) -> Iterator[SmallDisk]:
    place = Place(folder)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", place.binlog], check=True)
    try:
        yield Mounted(place)
    finally:
        subprocess.run(["umount", "-l", place.binlog], check=True)


@contextmanager
def metered(folder: Path) -> Iterator[SmallDisk]:
    yield Metered(Place(folder))


def can_mount() -> bool:
    """Whether this process may: as root, and not in a container that forbids it."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["mount", "-t", "tmpfs", "-o", "size=4k", "none", folder]
        if subprocess.run(command, capture_output=True, check=False).returncode:
            return False
        subprocess.run(["umount", folder], check=True)
        return True


KINDS = {"metered": metered} | ({"mounted": mounted} if can_mount() else {})


@contextmanager
def small_disk(kind: str, folder: Path) -> Iterator[SmallDisk]:
    """One of a megabyte."""
    with KINDS[kind](folder) as disk:
        disk.resize(1024 * 1024)
        yield disk
