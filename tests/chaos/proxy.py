"""A TCP proxy between workers and their server that can be told to misbehave.

One thread has all its sockets; whoever gives a command waits until it is in force.
"""

from __future__ import annotations

import selectors
import socket
import struct
import threading
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING, Literal

from tests.processes.servers import HOST

if TYPE_CHECKING:
    from collections.abc import Callable

Side = Literal["worker", "server"]

RESET = struct.pack("ii", 1, 0)
"""SO_LINGER that closes at once, with a reset."""

SEND_SECONDS = 5.0
"""A peer that does not read for so long is cut off. Jobs are small: the kernel's buffers take them."""


@dataclass(eq=False)
class End:
    """One of the two sockets of a connection, and what is on its way to it."""

    side: Side
    socket: socket.socket
    queue: deque[tuple[float, bytes]] = field(default_factory=deque)
    """(when to pass it on, seconds of the monotonic clock; bytes, none of them for the end of the stream)."""
    other: End = field(init=False, repr=False)
    finished: bool = False
    """Nothing more goes to it."""
    spent: bool = False
    """Nothing more comes from it."""


class Proxy:
    """Passes everything on, as long as it is not told otherwise."""

    def __init__(self, port: int) -> None:
        """`port` is the server's."""
        self._server = (HOST, port)
        self._listener = socket.create_server((HOST, 0))
        self.port: int = self._listener.getsockname()[1]
        self._ends: set[End] = set()
        self._delay = 0.0
        self._hole = False
        self._cut_after: int | None = None
        self._commands: deque[tuple[Callable[[], None], threading.Event]] = deque()
        self._bell, self._rope = socket.socketpair()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._selector.register(self._bell, selectors.EVENT_READ)
        self._closed = False
        self._thread = threading.Thread(target=self._serve, name="proxy", daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """As AYL_ENGINE wants it."""
        return f"beanstalk://{HOST}:{self.port}"

    # Commands

    def cut(self) -> None:
        """Reset all connections; new ones are let in."""
        self._tell(self._drop_all)

    def cut_after(self, size: int) -> None:
        """Pass on so many bytes of the server's answers, and reset all connections before the next one."""

        def cut_after() -> None:
            self._cut_after = size

        self._tell(cut_after)

    def half_close(self, side: Side) -> None:
        """That side of each connection sees the end of the stream; the other way goes on."""

        def half_close() -> None:
            for end in [*self._ends]:
                if end.side == side:
                    self._finish(end)

        self._tell(half_close)

    def delay(self, seconds: float) -> None:
        """Answers take so much longer."""

        def delay() -> None:
            self._delay = seconds

        self._tell(delay)

    def black_hole(self) -> None:
        """Pass nothing on: connections live, and new ones are let in, but nothing comes out at the other end."""

        def open_hole() -> None:
            self._hole = True

        self._tell(open_hole)

    def heal(self) -> None:
        """Pass everything on again. What has fallen into a black hole is gone, and so are its connections."""

        def heal() -> None:
            if self._hole:
                self._drop_all()
            self._hole, self._delay, self._cut_after = False, 0.0, None
            for end in self._ends:
                end.queue = deque((0.0, data) for _, data in end.queue)

        self._tell(heal)

    def connections(self) -> int:
        """How many pass through it now."""
        return len(self._ends) // 2

    def close(self) -> None:
        """Cut everything, and let nothing in."""

        def close() -> None:
            self._drop_all()
            self._closed = True

        self._tell(close)
        self._thread.join()
        self._selector.close()
        for each in (self._listener, self._bell, self._rope):
            each.close()

    def _tell(self, command: Callable[[], None]) -> None:
        done = threading.Event()
        self._commands.append((command, done))
        self._rope.send(b"!")
        assert done.wait(2 * SEND_SECONDS), "the proxy is stuck"

    # Its thread

    def _serve(self) -> None:
        while not self._closed:
            for key, _ in self._selector.select(self._next_due()):
                if key.fileobj is self._listener:
                    self._let_in()
                elif key.fileobj is self._bell:
                    self._obey()
                elif key.data in self._ends and not self._hole:
                    self._receive(key.data)
            if not self._hole:
                self._pass_on()

    def _obey(self) -> None:
        self._bell.recv(1)
        command, done = self._commands.popleft()
        command()
        # Nothing is watched that falls into a hole: its end would be readable for ever.
        for end in self._ends:
            self._watch(end)
        done.set()

    def _watch(self, end: End) -> None:
        watched = end.socket.fileno() in self._selector.get_map()
        wanted = not (self._hole or end.spent or end.other.finished)
        if wanted and not watched:
            self._selector.register(end.socket, selectors.EVENT_READ, end)
        elif watched and not wanted:
            self._selector.unregister(end.socket)

    def _let_in(self) -> None:
        accepted, _ = self._listener.accept()
        try:
            dialled = socket.create_connection(self._server, SEND_SECONDS)
        except OSError:
            accepted.close()  # as if nobody listened, only later: the worker is told by the end of the stream
            return
        worker, server = End("worker", accepted), End("server", dialled)
        worker.other, server.other = server, worker
        for end in (worker, server):
            end.socket.settimeout(SEND_SECONDS)
            end.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._ends.add(end)
            self._watch(end)

    def _receive(self, end: End) -> None:
        try:
            data = end.socket.recv(1 << 16)
        except OSError:
            self._drop(end)
            return
        due = monotonic() + self._delay if end.side == "server" else 0.0
        end.other.queue.append((due, data))
        end.spent = not data
        self._watch(end)

    def _next_due(self) -> float | None:
        dues = [end.queue[0][0] for end in self._ends if end.queue]
        return max(0.0, min(dues) - monotonic()) if dues and not self._hole else None

    def _pass_on(self) -> None:
        now = monotonic()
        for end in [*self._ends]:
            while end in self._ends and end.queue and end.queue[0][0] <= now:
                _, data = end.queue.popleft()
                self._hand_over(end, data)

    def _hand_over(self, end: End, data: bytes) -> None:
        if not data:
            self._finish(end)
            return
        last = end.side == "worker" and self._cut_after is not None and len(data) > self._cut_after
        if end.side == "worker" and self._cut_after is not None:
            data = data[: self._cut_after]
            self._cut_after -= len(data)
        try:
            if not end.finished:
                end.socket.sendall(data)
        except OSError:
            self._drop(end)
        if last:
            self._cut_after = None
            self._drop_all()

    def _finish(self, end: End) -> None:
        end.finished = True
        with suppress(OSError):
            end.socket.shutdown(socket.SHUT_WR)
        if end.other.finished:
            self._drop(end)
        else:
            self._watch(end.other)

    def _drop_all(self) -> None:
        for end in [*self._ends]:
            self._drop(end)

    def _drop(self, end: End) -> None:
        """Both ends, with a reset."""
        for each in (end, end.other):
            if each in self._ends:
                self._ends.remove(each)
                with suppress(KeyError):
                    self._selector.unregister(each.socket)
                with suppress(OSError):
                    each.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                each.socket.close()
