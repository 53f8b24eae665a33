"""taskiq."""

import asyncio
import os

from taskiq.serializers import ORJSONSerializer
from taskiq_redis import RedisStreamBroker

from benchmarks.peers.nothing import nothing

BATCH = 100

broker = RedisStreamBroker(os.environ["FRAMEWORKS_SERVER"]).with_serializer(ORJSONSerializer())


async def call(number: int, text: str) -> None:
    """The no-op as a coroutine function: others go through a pool of threads."""
    nothing(number, text)


task = broker.task("nothing")(call)
_started: list[bool] = []


async def _start() -> None:
    if not _started:
        _started.append(True)
        await broker.startup()


async def send() -> None:
    """One call."""
    await _start()
    await task.kiq(1, "a")


async def send_many(count: int) -> None:
    """Calls sent side by side."""
    await _start()
    for begin in range(0, count, BATCH):
        calls = min(BATCH, count - begin)
        await asyncio.gather(*(task.kiq(1, "a") for _ in range(calls)))
