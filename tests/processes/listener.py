"""The other end of NOTIFY_SOCKET: what systemd would hear."""

from __future__ import annotations

import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .deadline import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST = 4096
"""Bytes that systemd takes."""

Facts = dict[str, str]


class Listener:
    """All that is told there, in order."""

    def __init__(self, end: socket.socket) -> None:
        self.socket = end
        self.heard: Facts = {}
        """The latest of each name."""

    def next(self, seconds: float = PATIENCE) -> Facts:
        """The next message that is not only a sign of life, or asks for more time. TimeoutError if there is none."""
        while [*(facts := self.any(seconds))] in (["WATCHDOG"], ["EXTEND_TIMEOUT_USEC"]):
            pass
        self.heard |= facts
        return facts

    def plea(self) -> str:
        """The next request for more time, microseconds."""
        while "EXTEND_TIMEOUT_USEC" not in (facts := self.any()):
            pass
        return facts["EXTEND_TIMEOUT_USEC"]

    def any(self, seconds: float = PATIENCE) -> Facts:
        """The next message."""
        self.socket.settimeout(seconds)
        message = self.socket.recv(LONGEST + 1)
        assert len(message) <= LONGEST
        return dict(line.split("=", 1) for line in message.decode().split("\n"))

    def until(self, name: str, value: str) -> list[Facts]:
        """All messages up to the one that says so."""
        found = [self.next()]
        while found[-1].get(name) != value:
            found.append(self.next())
        return found

    def silent(self) -> bool:
        """Whether nothing is to be heard now; what is, is dropped."""
        self.socket.setblocking(False)
        try:
            self.socket.recv(LONGEST)
        except BlockingIOError:
            return True
        return False


@contextmanager
def listening(name: str) -> Iterator[Listener]:
    """`name`: as NOTIFY_SOCKET says it."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
        end.bind("\0" + name[1:] if name.startswith("@") else name)
        yield Listener(end)


def fill(name: str) -> int:
    """Leave no room there; how many messages did that."""
    number = 0
    while sent := _send_all(name):  # a sender has bounds of its own, too, which may be reached first
        number += sent
    return number


def _send_all(name: str) -> int:
    """As many as one sender can."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.setblocking(False)
        number = 0
        try:
            while True:
                sender.sendto(b"STATUS=full", name)
                number += 1
        except BlockingIOError:
            return number
