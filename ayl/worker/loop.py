"""The event loop of a process, in a thread of its own: coroutines of all slots run on it."""

import asyncio
import logging
import threading
from collections.abc import Callable
from typing import Self

from ayl import loops

log = logging.getLogger("ayl.worker")


class Loop:
    """Within this span. No call may be under way when it ends."""

    def __enter__(self) -> Self:
        self._ready = threading.Event()
        self._over = False
        self._thread = threading.Thread(target=self._run, name="ayl loop", daemon=True)
        self._thread.start()
        self._ready.wait()
        loops.share(self._loop)
        return self

    def __exit__(self, *_: object) -> None:
        """Tasks that calls have left behind are cancelled."""
        loops.share(None)
        self._over = True
        self.call(self._end.set)
        self._thread.join()

    def call(self, function: Callable[..., object], *args: object) -> None:
        self._loop.call_soon_threadsafe(function, *args)

    def watch(self, descriptor: int, function: Callable[[], object]) -> None:
        """Call this once the descriptor is readable."""

        def tell() -> None:
            self._loop.remove_reader(descriptor)
            function()

        self.call(self._loop.add_reader, descriptor, tell)

    def _run(self) -> None:
        with asyncio.Runner() as runner:
            self._loop = runner.get_loop()
            while not self._over:
                try:
                    runner.run(self._until_the_end())
                except (SystemExit, KeyboardInterrupt) as error:
                    # asyncio lets nothing else out; it is no call's own, and the other calls must go on.
                    log.error("a task that a call has left behind ended with %r", error)

    async def _until_the_end(self) -> None:
        self._end = asyncio.Event()
        self._ready.set()
        await self._end.wait()
