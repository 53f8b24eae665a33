"""Chores that end their process."""

from __future__ import annotations

import ctypes
import os
import signal
import time
from pathlib import Path  # noqa: TC003 - what a chore takes is read where it is declared

import ayl

from .diary import PATIENCE, write, written


@ayl.task("chores.leave")
def leave(folder: Path, word: str, code: int) -> None:
    """End the process, the first time."""
    first = not written(folder, word)
    write(folder, word)
    if first:
        os._exit(code)


@ayl.task("chores.die")
def die(folder: Path, word: str) -> None:
    """Take the process down, each time."""
    write(folder, word)
    os.kill(os.getpid(), signal.SIGKILL)


@ayl.task("chores.crash")
def crash(folder: Path, word: str) -> None:
    """Read where there is no memory, the first time."""
    first = not written(folder, word)
    write(folder, word)
    if first:
        ctypes.string_at(0)


@ayl.task("chores.leave_behind")
def leave_behind(folder: Path, word: str) -> None:
    """Die, the first time, but leave a process behind that has all that this one has open."""
    first = not written(folder, word)
    write(folder, word)
    if first:
        if os.fork() == 0:
            time.sleep(PATIENCE)
            os._exit(0)
        os.kill(os.getpid(), signal.SIGKILL)
