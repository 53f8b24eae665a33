"""The sender, in the framework's own interpreter: `python -m benchmarks.peers.producer NAME WHAT COUNT`.

NAME is a module beside this one, with `send()` and, where the framework has a way to send many at once,
`send_many(count)`; both may be coroutine functions. WHAT is one of `WAYS`. The answer is printed as JSON.
"""

import asyncio
import json
import os
import random
import sys
import time
from collections.abc import Awaitable, Callable
from importlib import import_module
from pathlib import Path
from typing import Protocol

from benchmarks.peers.nothing import DIRECTORY
from benchmarks.times import Times

LOST_SECONDS = 5.0
"""A call that was not made by then counts as if it had taken so long: SAQ's sweep drops one now and then."""

PAUSE = (0.005, 0.015)
"""Seconds between two calls: the worker is idle again, and a worker that polls is met at any moment."""


class Adapter(Protocol):
    """What a framework's module has."""

    def send(self) -> Awaitable[None] | None:
        """Send one call."""


async def one_by_one(adapter: Adapter, count: int) -> float:
    """Sent per second; the first call, which connects, is not counted."""
    await _sent(adapter)
    began = time.monotonic()
    for _ in range(count):
        if (waiting := adapter.send()) is not None:
            await waiting
    return count / (time.monotonic() - began)


async def in_bulk(adapter: Adapter, count: int) -> float | None:
    """Sent per second, the way for many; None where there is none, and then one by one."""
    send_many: Callable[[int], Awaitable[None] | None] | None = getattr(adapter, "send_many", None)
    if send_many is None:
        await one_by_one(adapter, count - 1)
        return None
    await _sent(adapter)
    began = time.monotonic()
    if (waiting := send_many(count - 1)) is not None:
        await waiting
    return (count - 1) / (time.monotonic() - began)


async def latency(adapter: Adapter, count: int, pause: tuple[float, float] = (0.0, 0.0)) -> list[float]:
    """Milliseconds from before each send to the beginning of its call, one at a time, the worker idle."""
    times = Times(Path(os.environ[DIRECTORY]))
    samples = []
    for _ in range(count):
        time.sleep(random.uniform(*pause))  # noqa: S311 - no secret
        before = times.count()
        began = time.monotonic_ns()
        await _sent(adapter)
        while times.count() == before and time.monotonic_ns() - began < LOST_SECONDS * 1e9:
            time.sleep(0.0005)
        made = times.count() > before
        samples.append((times.sorted()[-1] - began) / 1e6 if made else LOST_SECONDS * 1e3)
    return samples


async def latency_after_pauses(adapter: Adapter, count: int) -> list[float]:
    """The same some time after the call before: caches are cold, and cores may have gone to sleep."""
    return await latency(adapter, count, PAUSE)


async def _sent(adapter: Adapter) -> None:
    if (waiting := adapter.send()) is not None:
        await waiting


WAYS: dict[str, Callable[[Adapter, int], Awaitable[object]]] = {
    "one-by-one": one_by_one,
    "in-bulk": in_bulk,
    "latency": latency,
    "latency-after-pauses": latency_after_pauses,
}


async def main(name: str, what: str, count: int) -> None:
    """Print what was measured."""
    adapter = import_module(f"benchmarks.peers.{name}")
    print(json.dumps(await WAYS[what](adapter, count)))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
