"""The page for Prometheus: just enough of HTTP/1.1 to be read by it, on the loop that serves the clients."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

REQUEST_BYTES = 8192
"""How long the head of a request may be."""

SECONDS = 10.0
"""How long a request may take, from the connection to its end."""

VISITORS = 4
"""How many may be served at once: a page can be megabytes, and each takes a descriptor."""

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
        self._server: asyncio.Server
        self._writing = asyncio.Lock()

    async def open(self, listening: socket.socket) -> None:
        self._server = await asyncio.start_server(self._visit, sock=listening, limit=REQUEST_BYTES)

    def close(self) -> None:
        self._server.close()
        for visit in self._visits:
            visit.cancel()

    async def _visit(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        visit = asyncio.current_task()
        if visit is None or len(self._visits) >= VISITORS:
            writer.transport.abort()
            return
        self._visits.add(visit)
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
            self._visits.discard(visit)
            writer.transport.abort()

    async def _answer(self, reader: asyncio.StreamReader) -> _Answer:
        try:
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
