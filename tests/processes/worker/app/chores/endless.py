"""Chores that do not end by themselves, each in its way."""

from __future__ import annotations

import ctypes
import re
import time
from contextlib import suppress
from pathlib import Path  # noqa: TC003 - what a chore takes is read where it is declared
from typing import TYPE_CHECKING

import ayl

from .diary import PATIENCE, write, written

if TYPE_CHECKING:
    from collections.abc import Callable


@ayl.task("chores.spin")
def spin(folder: Path, word: str) -> None:
    """Keep the processor busy, and never look up."""
    write(folder, word)
    give_up = time.monotonic() + PATIENCE
    while time.monotonic() < give_up:
        pass


@ayl.task("chores.doze")
def doze(folder: Path, word: str) -> None:
    """Wait in C, and let go of the interpreter lock."""
    write(folder, word)
    ctypes.CDLL(None).sleep(int(PATIENCE))


@ayl.task("chores.slumber")
async def slumber(folder: Path, word: str) -> None:
    """Wait in a coroutine."""
    import asyncio

    write(folder, word)
    await asyncio.sleep(PATIENCE)


@ayl.task("chores.defy")
def defy(folder: Path, word: str) -> None:
    """Go on, whatever is raised."""
    write(folder, word)
    give_up = time.monotonic() + PATIENCE
    while time.monotonic() < give_up:
        with suppress(BaseException):
            time.sleep(0.01)


@ayl.task("chores.grip")
def grip(folder: Path, word: str, how: str) -> None:
    """The first time, keep the interpreter lock and do not come back."""
    again = written(folder, word)
    write(folder, word)
    if not again:
        GRIPS[how]()


GRIPS: dict[str, Callable[[], object]] = {
    "C code": lambda: ctypes.PyDLL(None).sleep(int(PATIENCE)),
    "a regular expression": lambda: re.match(r"(a+)+$", "a" * 60 + "b"),
    "a number": lambda: 7 ** (7**12) > 0,
}
"""Code that holds the interpreter lock for as long as tests take."""


@ayl.task("chores.clutch")
def clutch(folder: Path, word: str, seconds: int) -> None:
    """Keep the interpreter lock for so long."""
    write(folder, f"{word}-begins")
    ctypes.PyDLL(None).sleep(seconds)
    write(folder, f"{word}-ends")


@ayl.task("chores.seize")
def seize(folder: Path, word: str) -> None:
    """Be in C code that does not let go of the interpreter."""
    write(folder, word)
    sum(range(3 * 10**9))


@ayl.task("chores.linger")
def linger(folder: Path, word: str) -> None:
    """Be in C code that lets go of the interpreter, and does not look up for signals."""
    write(folder, word)
    libc = ctypes.CDLL(None)
    for _ in range(5):  # a signal ends it early
        libc.sleep(int(PATIENCE))
