"""Raw connections to a server, and the waiting for them. A client library's work would be measured too."""

import select
import socket
import struct
import time
from types import TracebackType
from typing import Self

from benchmarks.wire import CRLF, LINES, WrongReplyError

# Much longer than any reply takes: a load that hangs is to fail with a message, not to wait for ever.
PATIENCE_SECONDS = 20


class Watch:
    """Waits until a connection can be read, and adds up how long that took.

    By default it does not sleep but asks again and again. A sleeper is woken by the server, at the server's
    expense: on a virtual machine the interrupt to the other core costs it more than the command it has just
    carried out. That is a property of the machine, and would hide the differences between servers.
    """

    def __init__(self, *, sleep: bool) -> None:
        self._epoll = select.epoll()
        self._timeout = PATIENCE_SECONDS if sleep else 0
        self.waited_seconds = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._epoll.close()

    def add(self, sock: socket.socket) -> None:
        self._epoll.register(sock, select.EPOLLIN)

    def ready(self) -> list[tuple[int, int]]:
        """What epoll reports: descriptors and events, at least one."""
        poll = self._epoll.poll
        events = poll(0)
        if events:
            return events
        began = now = time.perf_counter()
        while not events:
            events = poll(self._timeout)
            now = time.perf_counter()
            if now - began > PATIENCE_SECONDS:
                raise WrongReplyError(f"no reply within {PATIENCE_SECONDS} s")
        self.waited_seconds += now - began
        return events


class Connection:
    """One client. It blocks only in the middle of a reply."""

    def __init__(self, port: int, watch: Watch) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # The time limit is the kernel's: Python's own would cost a poll() for every recv.
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", PATIENCE_SECONDS, 0))
        self._watch = watch
        watch.add(self._socket)
        self.descriptor = self._socket.fileno()
        self.send = self._socket.sendall

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def wait(self) -> bytes:
        """The next bytes; for a connection that is alone on its watch."""
        self._watch.ready()
        return self.read()

    def read(self) -> bytes:
        """The next bytes, never empty."""
        try:
            received = self._socket.recv(65536)
        except BlockingIOError:
            raise WrongReplyError(f"half a reply, and no more within {PATIENCE_SECONDS} s") from None
        if not received:
            raise WrongReplyError("the server closed the connection")
        return received

    def read_reply(self) -> bytes:
        """The reply to one command, all of it. An error word is none."""
        reply = self.read()
        lines = LINES.get(reply[0])
        if lines is None:
            raise WrongReplyError(repr(reply))
        while reply.count(b"\n") < lines:
            reply += self.read()
        return reply

    def ask(self, command: bytes) -> bytes:
        """Send a command and wait for its reply."""
        self.send(command)
        self._watch.ready()
        return self.read_reply()

    def stats(self) -> dict[str, str]:
        """The server's statistics, values unquoted."""
        self.send(b"stats\r\n")
        received = self.read()
        while CRLF not in received:
            received += self.read()
        head, _, report = received.partition(CRLF)
        word, _, size = head.partition(b" ")
        if word != b"OK":
            raise WrongReplyError(f"stats: {head!r}")
        while len(report) < int(size) + len(CRLF):
            report += self.read()
        lines = (line.partition(":") for line in report.decode().splitlines())
        return {key: value.strip(' "') for key, _, value in lines if value}
