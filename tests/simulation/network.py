"""Connections without sockets: two streams with bounds, an end or a reset on either side, and asyncio's transport.

The transport does what asyncio's does: it sends at once what fits, keeps the rest, tells the protocol when that is
too much and when it is little again (from within its own write), and calls `connection_lost` in a later turn.
"""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Any

from .faults import BrokenError

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from .loop import SimulatedLoop

CHUNK = 256 * 1024
"""The most that one read of the server brings."""


class Link:
    """What is under way between a client and the server."""

    def __init__(self, room: int) -> None:
        self.up = bytearray()
        """From the client, not yet read by the server."""
        self.up_ended = False
        self.reset = False
        """Whether the client is gone without a word."""
        self.down = bytearray()
        """From the server, not yet read by the client."""
        self.down_ended = False
        self.room = room
        """How much fits into `down`."""


class SimulatedSocket:
    """As much of a socket as the listener asks for."""

    family = socket.AF_INET

    def __init__(self, number: int) -> None:
        self.number = number

    def setsockopt(self, *_: int) -> None:
        """Nothing depends on it."""

    def fileno(self) -> int:
        return self.number


class SimulatedHangups:
    """As `hangups.Hangups`: tells of the end of streams that are not read."""

    def __init__(self) -> None:
        self._watched: dict[int, Callable[[bool], None]] = {}

    def watch(self, descriptor: int, ended: Callable[[bool], None]) -> None:
        self._watched[descriptor] = ended

    def forget(self, descriptor: int, ended: Callable[[bool], None]) -> None:
        if self._watched.get(descriptor) == ended:
            del self._watched[descriptor]

    def close(self) -> None:
        self._watched.clear()

    def seen(self, transport: SimulatedTransport) -> bool:
        """Whether there is something to tell of this one."""
        link = transport.link
        return transport.number in self._watched and (link.up_ended or link.reset)

    def tell(self, transport: SimulatedTransport) -> None:
        """Once."""
        if self.seen(transport):
            self._watched.pop(transport.number)(transport.link.reset)


class SimulatedTransport(asyncio.Transport):
    """The server's end of a link."""

    def __init__(
        self,
        loop: SimulatedLoop,
        protocol: asyncio.Protocol,
        link: Link,
        number: int,
        *,
        high: int,
        sending: Callable[[], None],
    ) -> None:
        """`sending` is told before each write of the protocol."""
        super().__init__()
        self.protocol = protocol
        self.link = link
        self._loop = loop
        self._high = high
        self._sending = sending
        self._buffer = bytearray()
        self.number = number
        self._socket = SimulatedSocket(number)
        self._reading = True
        self._told_to_pause = False
        self._closing = False
        self._lost = False
        self.over = False
        """Whether `connection_lost` was called."""

    # What the protocol calls

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._socket if name == "socket" else default

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        if not data:
            raise BrokenError("the listener wrote nothing at all")
        self._sending()
        if self._lost:
            return
        self._buffer += data
        self._send(len(self._buffer))
        if len(self._buffer) > self._high and not self._told_to_pause:
            self._told_to_pause = True
            self.protocol.pause_writing()

    def close(self) -> None:
        if not self._closing:
            self._closing = True
            if not self._buffer:
                self._lose_soon(None)

    def abort(self) -> None:
        self._buffer.clear()
        self._lose_soon(None)

    def is_closing(self) -> bool:
        return self._closing

    def pause_reading(self) -> None:
        self._reading = False

    def resume_reading(self) -> None:
        self._reading = True

    # What the simulation calls

    @property
    def paused(self) -> bool:
        """Whether the protocol has been told to write no more."""
        return self._told_to_pause

    @property
    def readable(self) -> bool:
        link = self.link
        return self._reading and not self._closing and bool(link.up or link.up_ended or link.reset)

    @property
    def writable(self) -> bool:
        return bool(self._buffer) and not self._lost and (self.link.reset or len(self.link.down) < self.link.room)

    def read(self, rng: random.Random | None) -> None:
        """Hand some of what has come to the protocol; all of it if nobody draws how much."""
        link = self.link
        if not self.readable:  # something earlier in this turn has changed that
            return
        if link.reset:
            self._lose_soon(ConnectionResetError())
        elif link.up:
            size = min(len(link.up), CHUNK)
            if rng is not None and rng.random() < 0.5:
                size = rng.randint(1, size)
            data = bytes(link.up[:size])
            del link.up[:size]
            self.protocol.data_received(data)
        else:
            link.up_ended = False  # it is told once
            self._reading = False
            if not self.protocol.eof_received():
                self.close()

    def flush(self, rng: random.Random | None) -> None:
        """Send some of what is kept."""
        if not self.writable:
            return
        size = len(self._buffer)
        self._send(size if rng is None else rng.randint(1, size))
        if self._told_to_pause and len(self._buffer) <= self._high // 4:
            self._told_to_pause = False
            self.protocol.resume_writing()
        if self._closing and not self._buffer:
            self._lose(None)

    def _send(self, size: int) -> None:
        link = self.link
        if link.reset:
            self._buffer.clear()
            self._lose_soon(BrokenPipeError())
            return
        size = min(size, link.room - len(link.down))
        if size > 0:
            link.down += self._buffer[:size]
            del self._buffer[:size]

    def _lose_soon(self, error: Exception | None) -> None:
        self._closing = True
        if not self._lost:
            self._lost = True
            self._loop.call_soon(self._lose, error)

    def _lose(self, error: Exception | None) -> None:
        self._lost = True
        if not self.over:
            self.over = True
            self.link.down_ended = True
            self.protocol.connection_lost(error)
