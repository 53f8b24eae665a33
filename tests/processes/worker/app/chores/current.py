"""Chores that tell which call they are."""

from __future__ import annotations

import threading
from pathlib import Path  # noqa: TC003 - what a chore takes is read where it is declared

import ayl

from .diary import write


def seen(word: str) -> str:
    """What can be told of the call that runs."""
    call = ayl.current()
    if call is None:
        return f"{word}-outside"
    left = "in-time" if 5 < call.time_left < 10 else f"{call.time_left}"
    return "|".join([word, call.id, str(call.job_id), call.tube, str(call.attempts), left, str(call.stopping.is_set())])


@ayl.task("chores.look_around")
def look_around(folder: Path, word: str) -> None:
    """See which call this is, and whether a thread of its own sees it."""
    write(folder, seen(word))
    thread = threading.Thread(target=lambda: write(folder, seen("thread")))
    thread.start()
    thread.join()
    raise ValueError("that is all")


@ayl.task("chores.look_around_async")
async def look_around_async(folder: Path, word: str) -> None:
    """The same in a task and in a thread of asyncio."""
    import asyncio

    write(folder, await asyncio.create_task(asyncio.to_thread(seen, word)))
