"""One at a time changes a daemon: who comes second waits, or is told who is first."""

from __future__ import annotations

import fcntl
import os
import struct
import time
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

RETRY_SECONDS = 0.1

_FLOCK = "hhqqi4x"
"""`struct flock`: type, whence, start, length, pid."""


@contextmanager
def turn(directory: str, name: str, waiting: Callable[[int], object]) -> Iterator[None]:
    """Be the one that changes this daemon. `directory`: that of all daemons, where one file has a byte to lock for
    each; `waiting` is told once who is there before. OSError if the file cannot be made.
    """
    # Nobody else may even read it: who can read can lock, and keep us waiting.
    descriptor = os.open(f"{directory}/lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    at = zlib.crc32(name.encode())
    try:
        told = False
        while not _locked(descriptor, at):
            if not told:
                told = True
                waiting(_holder(descriptor, at))
            time.sleep(RETRY_SECONDS)
        yield
    finally:
        os.close(descriptor)


def _locked(descriptor: int, at: int) -> bool:
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, at)
    except (BlockingIOError, PermissionError):
        return False
    return True


def _holder(descriptor: int, at: int) -> int:
    asked = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, at, 1, 0)
    return int(struct.unpack(_FLOCK, fcntl.fcntl(descriptor, fcntl.F_GETLK, asked))[4])
