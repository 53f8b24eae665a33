"""Chores that use what is the whole process's: its signals, its event loop."""

from __future__ import annotations

import signal
import threading
import time
from pathlib import Path  # noqa: TC003 - what a chore takes is read where it is declared

import ayl

from .diary import PATIENCE, write, written


@ayl.task("chores.ring")
def ring(folder: Path, word: str) -> None:
    """Use a signal of one's own, as some time limits do."""
    rung = []
    signal.signal(signal.SIGALRM, lambda *_: rung.append(True))
    signal.setitimer(signal.ITIMER_REAL, 0.001)
    give_up = time.monotonic() + PATIENCE
    while not rung and time.monotonic() < give_up:
        time.sleep(0.001)
    write(folder, word)


@ayl.task("chores.listen")
async def listen(folder: Path, word: str) -> None:
    """Let asyncio handle a signal, which takes the process's only wake-up descriptor, and gives none back."""
    import asyncio

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGUSR2, lambda: None)
    loop.remove_signal_handler(signal.SIGUSR2)
    write(folder, word)


@ayl.task("chores.tell_loop")
async def tell_loop(folder: Path, word: str) -> None:
    """On which loop, and in which thread, it runs."""
    import asyncio

    await asyncio.sleep(0)
    write(folder, f"{word}-{threading.current_thread().name.replace(' ', '_')}-{id(asyncio.get_running_loop())}")


@ayl.task("chores.leave_task")
async def leave_task(folder: Path, word: str) -> None:
    """Leave a task behind that ends the process, if it can."""
    import asyncio

    _left.append(asyncio.create_task(_exit()))
    await asyncio.sleep(0.05)
    write(folder, word)


_left: list[object] = []


async def _exit() -> None:
    raise SystemExit(3)


@ayl.task("chores.block_first")
async def block_first(folder: Path, word: str) -> None:
    """Hold up the loop, the first time."""
    if written(folder, f"{word}-begins"):
        write(folder, f"{word}-again")
        return
    write(folder, f"{word}-begins")
    time.sleep(PATIENCE)
