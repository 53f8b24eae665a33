"""One at a time changes a daemon: who comes second waits, or is told who is first."""

from __future__ import annotations

import fcntl
import os
import time
import zlib
from typing import TYPE_CHECKING

from ayl.pidfiles import locker

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

RETRY_SECONDS = 0.1


class Turns:
    """Those that this process has, given up together; a context manager.

    One descriptor has them all. A process is to have no two of these of one directory at once: closing any descriptor
    of a file gives up all locks that the process has on it (POSIX).
    """

    def __init__(self, directory: str) -> None:
        """`directory`: that of all daemons, where one file has a byte to lock for each."""
        self._path = f"{directory}/lock"
        self._descriptor = -1

    def take(self, name: str, waiting: Callable[[int], object]) -> None:
        """Be the one that changes this daemon. `waiting` is told once who is there before. OSError if the file cannot
        be made. Who takes several takes them by their `place`, lest two wait for each other.
        """
        if self._descriptor < 0:
            # Nobody else may even read it: who can read can lock, and keep us waiting.
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        told = False
        while not self._locked(place(name)):
            if not told and (pid := locker(self._descriptor, place(name), 1)) is not None:
                told = True
                waiting(pid)
            time.sleep(RETRY_SECONDS)

    def _locked(self, at: int) -> bool:
        try:
            fcntl.lockf(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, at)
        except (BlockingIOError, PermissionError):
            return False
        return True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _where: TracebackType | None
    ) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def place(name: str) -> int:
    """Of a daemon's byte."""
    return zlib.crc32(name.encode())
