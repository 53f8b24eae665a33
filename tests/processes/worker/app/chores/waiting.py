"""Chores that take as long as the test wants."""

from __future__ import annotations

import time
from pathlib import Path  # noqa: TC003 - what a chore takes is read where it is declared

import ayl

from .diary import PATIENCE, wait_for, write, written


@ayl.task("chores.hold")
def hold(folder: Path, word: str) -> None:
    """Begin, and end when the file `word` is there."""
    write(folder, f"{word}-begins")
    wait_for(folder / word)
    write(folder, f"{word}-ends")


@ayl.task("chores.hold_first")
def hold_first(folder: Path, word: str) -> None:
    """The same, but only the first time."""
    if not written(folder, f"{word}-begins"):
        hold(folder, word)
    else:
        write(folder, f"{word}-again")


@ayl.task("chores.fail_late")
def fail_late(folder: Path, word: str) -> None:
    """Fail, the first time when the file `word` is there, later at once and well."""
    again = written(folder, f"{word}-begins")
    hold_first(folder, word)
    if not again:
        raise ValueError("too late")


@ayl.task("chores.strive", keep_alive=True, time_limit=2)
def strive(folder: Path, word: str) -> None:
    """The same as `hold`, with a limit of its own."""
    hold(folder, word)


@ayl.task("chores.sleep_on")
def sleep_on(folder: Path, word: str, seconds: float = 1.0) -> None:
    """Take long, and do nothing."""
    time.sleep(seconds)
    write(folder, word)


@ayl.task("chores.heed")
def heed(folder: Path, word: str) -> None:
    """End well as soon as the worker is to stop."""
    call = ayl.current()
    assert call is not None
    write(folder, f"{word}-begins")
    write(folder, f"{word}-stops" if call.stopping.wait(PATIENCE) else f"{word}-waits")


@ayl.task("chores.persist")
def persist(folder: Path, word: str) -> None:
    """Work in steps, each of which buys time for the next."""
    call = ayl.current()
    assert call is not None
    for step in range(5):
        time.sleep(0.4)
        assert call.touch()
        call.progress(step / 5)
    write(folder, word)


@ayl.task("chores.tarry")
async def tarry(folder: Path, word: str) -> None:
    """Get half way, and wait for the file `go`."""
    import asyncio

    if call := ayl.current():
        call.progress(0.5)
    write(folder, word)
    while not (folder / "go").exists():
        await asyncio.sleep(0.02)


@ayl.task("chores.nap")
async def nap(folder: Path, word: str, seconds: float = 1.0) -> None:
    """Take long, as a coroutine."""
    import asyncio

    await asyncio.sleep(seconds)
    write(folder, word)


@ayl.task("chores.await_file")
async def await_file(folder: Path, word: str) -> None:
    """As `hold`."""
    import asyncio

    write(folder, f"{word}-begins")
    give_up = time.monotonic() + PATIENCE
    while not (folder / word).exists():
        if time.monotonic() > give_up:
            raise TimeoutError(f"{word} does not appear")
        await asyncio.sleep(0.01)
    write(folder, f"{word}-ends")


@ayl.task("chores.await_file_first")
async def await_file_first(folder: Path, word: str) -> None:
    """As `hold_first`."""
    if not written(folder, f"{word}-begins"):
        await await_file(folder, word)
    else:
        write(folder, f"{word}-again")
