"""SAQ."""

import asyncio
import os
from collections.abc import Mapping
from typing import Any

import uvloop
from saq import Queue

from benchmarks.peers.nothing import nothing

asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
BATCH = 100

queue = Queue.from_url(os.environ["FRAMEWORKS_SERVER"])


async def call(_context: Mapping[str, Any], *, number: int, text: str) -> None:
    """The no-op as a coroutine function."""
    nothing(number, text)


settings = {"queue": queue, "functions": [("nothing", call)], "concurrency": 50}


async def send() -> None:
    """One call, whose result is not kept."""
    await queue.enqueue("nothing", number=1, text="a", ttl=-1, timeout=0)


async def send_many(count: int) -> None:
    """Calls sent side by side."""
    for begin in range(0, count, BATCH):
        await asyncio.gather(*(send() for _ in range(min(BATCH, count - begin))))
