"""Chores that are done at once."""

from __future__ import annotations

import logging
import os
import threading
from pathlib import Path  # noqa: TC003 - what a chore takes is read where it is declared

import ayl

from .diary import write

log = logging.getLogger("chores")


@ayl.task("chores.note")
def note(folder: Path, word: str) -> None:
    """Just be seen."""
    write(folder, word)


@ayl.task("chores.mutter")
def mutter(folder: Path, word: str) -> None:
    """Say it as calls do that do not care when it is read."""
    print(word)  # noqa: T201 - to a file, so it waits in a buffer
    write(folder, word)


@ayl.task("chores.carry")
def carry(folder: Path, word: str, ballast: str) -> None:
    """As `note`, with a large message."""
    write(folder, f"{word}-{len(ballast)}")


@ayl.task("chores.tell_variable")
def tell_variable(folder: Path, name: str) -> None:
    """Write what the environment says."""
    write(folder, f"{name}={os.environ.get(name, 'nothing')}")


@ayl.task("chores.pass_on")
def pass_on(folder: Path, word: str) -> None:
    """Leave it to another call."""
    ayl.send(note, folder, word)


@ayl.task("chores.rest")
async def rest(folder: Path, word: str) -> None:
    """A coroutine function."""
    import asyncio

    await asyncio.sleep(0)
    write(folder, word)


@ayl.task("chores.remark")
def remark(word: str) -> None:
    """Say it to the log, from here and from a thread of this call's own."""
    log.warning("%s", word)
    thread = threading.Thread(target=log.warning, args=("%s aside", word))
    thread.start()
    thread.join()


@ayl.task("chores.remark_later")
async def remark_later(word: str) -> None:
    """Say it from a coroutine, a task and a thread that belongs to it."""
    import asyncio

    log.warning("%s", word)
    await asyncio.gather(asyncio.to_thread(log.warning, "%s in a thread", word), _remark_in_a_task(word))


async def _remark_in_a_task(word: str) -> None:
    import asyncio

    await asyncio.sleep(0)
    log.warning("%s in a task", word)
