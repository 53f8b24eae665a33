"""Coroutines are run to their end, on an event loop of this thread's or of their own."""

import asyncio
import atexit
import os
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any

from ayl.errors import TimeToRunExceeded
from ayl.limits import countdown, gently
from ayl.references import SPAWNERS


def run(coroutine: Coroutine[Any, Any, Any]) -> None:
    """To its end, in this thread; TimeToRunExceeded if it takes longer than the call's time to run."""
    limited = cancelled_in_time(countdown(), coroutine)
    with gently():
        if _in_a_loop():
            # The synchronous engine, used from a coroutine, whose loop stands still meanwhile: so it needs another.
            with ThreadPoolExecutor(1) as thread:
                thread.submit(copy_context().run, asyncio.run, limited).result()
        elif _of_process is not None:
            asyncio.run_coroutine_threadsafe(limited, _of_process).result()
        elif SPAWNERS and threading.current_thread() is threading.main_thread():
            _run_on_the_loop_of_all(limited)
        else:
            asyncio.run(limited)


_of_process: asyncio.AbstractEventLoop | None = None


def share(loop: asyncio.AbstractEventLoop | None) -> None:
    """From now on the coroutines of all threads run on this loop, which runs in a thread of its own; None: no more."""
    global _of_process
    _of_process = loop


def _in_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


async def cancelled_in_time(left: Callable[[], float | None], coroutine: Coroutine[Any, Any, Any]) -> None:
    """`left` may give more time while the coroutine runs: then its lease was renewed."""
    loop = asyncio.get_running_loop()

    def look(limit: asyncio.Timeout) -> None:
        seconds = left()
        if seconds is not None and not limit.expired():
            if seconds > 0:
                timers[:] = [loop.call_later(min(seconds, LONGEST_TIMER), look, limit)]
            else:
                limit.reschedule(loop.time())

    timers: list[asyncio.TimerHandle] = []
    try:
        async with asyncio.timeout(None) as limit:
            look(limit)
            try:
                await coroutine
            finally:
                for timer in timers:
                    timer.cancel()
    except TimeoutError as error:
        if not limit.expired():
            raise
        raise TimeToRunExceeded("the coroutine was cancelled when its time to run was over") from error


LONGEST_TIMER = 86400.0
"""Seconds: an event loop waits no longer than that at once."""


_runner: asyncio.Runner | None = None
_abandoned: list[asyncio.Runner] = []


def _begin_anew() -> None:
    """In a forked child: the loop's threads are not here, and its descriptors are the parent's, who would notice even
    that it is closed. So it is let alone, also when the process ends.
    """
    global _runner
    share(None)
    if _runner is not None:
        atexit.unregister(_runner.close)
        _abandoned.append(_runner)
        _runner = None


os.register_at_fork(after_in_child=_begin_anew)


def _run_on_the_loop_of_all(coroutine: Coroutine[Any, Any, Any]) -> None:
    """As asyncio.run, but on one loop for all jobs of the main thread: the connections that an asynchronous engine
    keeps in its pool belong to the loop on which they were made.
    """
    global _runner
    if _runner is None:
        _runner = asyncio.Runner()
        atexit.register(_runner.close)
    _runner.run(_without_leftovers(coroutine), context=copy_context())


async def _without_leftovers(coroutine: Coroutine[Any, Any, Any]) -> None:
    try:
        await coroutine
    finally:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
