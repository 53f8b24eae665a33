"""An event loop without a selector and without time: what happens in a turn, the simulation decides.

Of asyncio's promises it keeps these: calls made with `call_soon` run in their order, in the next turn and not in this
one; a timer never rings early; nothing runs beside anything else. Whether what came from the network is served before
or after the calls that wait is up to the loop (asyncio's and uvloop's differ), so the simulation draws it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from contextvars import Context

    from .clock import Clock

Call = tuple[asyncio.Handle, "Callable[..., object]", tuple[Any, ...], "Context | None"]


class SimulatedLoop:
    """As much of an `asyncio.AbstractEventLoop` as the listener, its transports and a coroutine that sleeps need."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.asyncio = cast("asyncio.AbstractEventLoop", self)
        """This loop, as those see it who expect asyncio's."""
        self._ready: deque[Call] = deque()
        self._timers: list[tuple[float, int, Call]] = []
        self._serial = 0
        self.calls_left: int | None = None
        """So many calls are still made; then `interrupt` is."""
        self.interrupt: Callable[[], None] = _nothing

    # What the server calls

    def time(self) -> float:
        return self._clock.steady

    def call_soon(self, callback: Callable[..., object], *args: Any, context: Context | None = None) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self.asyncio, context)
        self._ready.append((handle, callback, args, context))
        return handle

    def call_later(
        self, delay: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        return self.call_at(self.time() + delay, callback, *args, context=context)

    def call_at(
        self, when: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        handle = asyncio.TimerHandle(when, callback, args, self.asyncio, context)
        self._serial += 1
        heappush(self._timers, (when, self._serial, (handle, callback, args, context)))
        return handle

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self.asyncio)

    def get_debug(self) -> bool:
        return False

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Only called for a task that a crash has cut off."""

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """asyncio's handles report here; the entry is passed over when its time comes."""

    # What the simulation calls

    @property
    def busy(self) -> bool:
        """Whether a turn would do something even if nothing came from outside."""
        return bool(self._ready) or ((when := self.next_timer()) is not None and when <= self.time())

    def next_timer(self) -> float | None:
        timers = self._timers
        while timers and timers[0][2][0].cancelled():
            heappop(timers)
        return timers[0][0] if timers else None

    def turn(self, events: list[Callable[[], None]], *, events_first: bool) -> None:
        """One turn: the network's events, the timers that are due and the calls that wait."""
        calls = self._ready
        self._ready = deque()
        while (when := self.next_timer()) is not None and when <= self.time():
            calls.append(heappop(self._timers)[2])
        asyncio.events._set_running_loop(self.asyncio)
        try:
            if events_first:
                self._serve(events)
            for call in calls:
                self._make(call)
            if not events_first:
                self._serve(events)
        finally:
            asyncio.events._set_running_loop(None)

    def start(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Let a coroutine run from the next turn on."""
        task = asyncio.Task(coroutine, loop=self.asyncio)
        cast("Any", task)._log_destroy_pending = False
        return task

    def _serve(self, events: list[Callable[[], None]]) -> None:
        for event in events:
            self._count()
            event()

    def _make(self, call: Call) -> None:
        handle, callback, args, context = call
        if handle.cancelled():
            return
        self._count()
        if context is None:
            callback(*args)
        else:
            context.run(callback, *args)

    def _count(self) -> None:
        if self.calls_left is not None:
            self.calls_left -= 1
            if self.calls_left < 0:
                self.calls_left = None
                self.interrupt()


def _nothing() -> None:
    """Nobody interrupts."""
