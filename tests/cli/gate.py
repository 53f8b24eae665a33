"""A way to a server that stops halfway, so that a command can be interrupted in the midst of what it does."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from math import inf
from typing import TYPE_CHECKING

from ayl.admin import Server

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass
class Gate:
    """It lets so many bytes of answers pass, then no more until it is opened."""

    most: float = inf
    passed: int = 0
    reached: threading.Event = field(default_factory=threading.Event)
    opened: threading.Event = field(default_factory=threading.Event)

    def serve(self, listener: socket.socket, server: Server) -> None:
        """Until the listener is closed."""
        with suppress(OSError):
            while True:
                near, _ = listener.accept()
                far = socket.create_connection((server.host, server.port))
                for end in (near, far):  # answers to single questions would wait for each other
                    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                for pump in (self._asks, self._answers):
                    threading.Thread(target=pump, args=(near, far), daemon=True).start()

    def _asks(self, near: socket.socket, far: socket.socket) -> None:
        with suppress(OSError):
            while said := near.recv(65536):
                far.sendall(said)
            far.shutdown(socket.SHUT_WR)

    def _answers(self, near: socket.socket, far: socket.socket) -> None:
        with near, far, suppress(OSError):
            try:
                while said := far.recv(1024):
                    self.passed += len(said)
                    if self.passed > self.most:
                        self.reached.set()
                        self.opened.wait()
                    near.sendall(said)
            finally:
                near.shutdown(socket.SHUT_RDWR)  # who reads from it would keep it open


@contextmanager
def gate(server: Server, most: float = inf) -> Iterator[tuple[Server, Gate]]:
    """Where a command is to go instead of the server."""
    made = Gate(most)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=made.serve, args=(listener, server))
        thread.start()
        try:
            yield Server(port=listener.getsockname()[1], timeout=server.timeout), made
        finally:
            made.opened.set()
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
