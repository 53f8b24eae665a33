"""The page for Prometheus: just enough of HTTP/1.1 to be read by it, on the loop that serves the clients."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

REQUEST_BYTES = 8192
"""How long the head of a request may be."""

REQUEST_SECONDS = 3.0
"""How long the head of a request may take to come: whoever only holds the connection keeps others out."""

SECONDS = 10.0
"""How long a visit may take, from the connection to its end."""

VISITORS = 8
"""How many are let in at once: a page can be megabytes, and each visitor takes a descriptor. The others wait."""

RETRY_SECONDS = 1.0
"""After the system refused us a descriptor."""

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True)
class _Answer:
    status: str
    body: list[bytes]
    headers: str = ""

    @property
    def head(self) -> bytes:
        length = sum(map(len, self.body))
        return (
            f"HTTP/1.1 {self.status}\r\nContent-Type: {CONTENT_TYPE}\r\nContent-Length: {length}\r\n"
            f"{self.headers}Connection: close\r\n\r\n"
        ).encode()


class Page:
    """Answers GET /metrics on one listening socket."""

    def __init__(self, write: Callable[[], Awaitable[list[bytes]]], *, seconds: float = SECONDS) -> None:
        """`write` gives the page in pieces; `seconds`: how long a visit may take."""
        self._write = write
        self._seconds = seconds
        self._visits: set[asyncio.Task[None]] = set()
        self._listening: socket.socket
        self._loop: asyncio.AbstractEventLoop
        self._full = False
        self._closed = False
        self._writing = asyncio.Lock()

    def open(self, loop: asyncio.AbstractEventLoop, listening: socket.socket) -> None:
        listening.setblocking(False)
        self._loop = loop
        self._listening = listening
        loop.add_reader(listening, self._let_in)

    def close(self) -> None:
        self._loop.remove_reader(self._listening)
        self._closed = True
        self._listening.close()
        for visit in self._visits:
            visit.cancel()

    # Not asyncio.start_server: it accepts whoever comes before anybody can say that it is enough.

    def _let_in(self) -> None:
        if len(self._visits) >= VISITORS:
            self._full = True
            self._loop.remove_reader(self._listening)
            return
        try:
            accepted, _ = self._listening.accept()
        except (BlockingIOError, InterruptedError, ConnectionError):
            return
        except OSError:
            self._full = True
            self._loop.remove_reader(self._listening)
            self._loop.call_later(RETRY_SECONDS, self._open_again)
            return
        visit = self._loop.create_task(self._visit(accepted))
        self._visits.add(visit)
        visit.add_done_callback(self._over)

    def _over(self, visit: "asyncio.Task[None]") -> None:
        self._visits.discard(visit)
        self._open_again()

    def _open_again(self) -> None:
        if self._full and not self._closed:
            self._full = False
            self._loop.add_reader(self._listening, self._let_in)

    async def _visit(self, accepted: socket.socket) -> None:
        accepted.setblocking(False)
        try:
            reader, writer = await asyncio.open_connection(sock=accepted, limit=REQUEST_BYTES)
        except (OSError, asyncio.CancelledError):
            accepted.close()
            return
        try:
            async with asyncio.timeout(self._seconds):
                answer = await self._answer(reader)
                for piece in (answer.head, *answer.body):
                    writer.write(piece)
                    await writer.drain()
                writer.close()
                await writer.wait_closed()
        except (OSError, TimeoutError, asyncio.CancelledError):
            pass  # a visitor that is gone, or slow, or here when the server stops
        finally:
            writer.transport.abort()

    async def _answer(self, reader: asyncio.StreamReader) -> _Answer:
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.LimitOverrunError:
            return _short("431 Request Header Fields Too Large")
        except asyncio.IncompleteReadError:
            return _short("400 Bad Request")
        words = head.split(b"\r\n", 1)[0].split(b" ")
        if len(words) != 3 or not words[2].startswith(b"HTTP/1."):
            return _short("400 Bad Request")
        if words[1].partition(b"?")[0] != b"/metrics":
            return _short("404 Not Found")
        if words[0] != b"GET":
            return _short("405 Method Not Allowed", "Allow: GET\r\n")
        async with self._writing:  # one after the other, so that many visitors cost the clients no more than one
            return _Answer("200 OK", await self._write())


def _short(status: str, headers: str = "") -> _Answer:
    return _Answer(status, [f"{status}\n".encode()], headers)
