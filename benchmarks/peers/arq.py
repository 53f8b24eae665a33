"""arq."""

import asyncio
import os
from collections.abc import Mapping
from typing import Any

import uvloop
from arq.connections import ArqRedis, RedisSettings, create_pool
from arq.worker import func

from benchmarks.peers.nothing import nothing

asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
BATCH = 100


async def call(_context: Mapping[str, Any], number: int, text: str) -> None:
    """The no-op as a coroutine function, which arq wants."""
    nothing(number, text)


class Settings:
    """Of the worker."""

    functions = (func(call, name="nothing", keep_result=0),)
    redis_settings = RedisSettings.from_dsn(os.environ["FRAMEWORKS_SERVER"])
    max_jobs = 100
    poll_delay = 0.005
    log_results = False


QUIET = {"version": 1, "disable_existing_loggers": False, "loggers": {"arq": {"level": "ERROR"}}}
"""Of logs: otherwise there are two lines for each call."""

_connected: list[ArqRedis] = []


async def _pool() -> ArqRedis:
    if not _connected:
        _connected.append(await create_pool(Settings.redis_settings))
    return _connected[0]


async def send() -> None:
    """One call."""
    await (await _pool()).enqueue_job("nothing", 1, "a")


async def send_many(count: int) -> None:
    """Calls sent side by side."""
    pool = await _pool()
    for begin in range(0, count, BATCH):
        calls = min(BATCH, count - begin)
        await asyncio.gather(*(pool.enqueue_job("nothing", 1, "a") for _ in range(calls)))
