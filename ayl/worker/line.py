"""The line between the supervisor and one worker process: a socket pair, over which each says words of one byte, some
with a text behind.

Beside signals, because a signal is heard only when the main thread runs Python again, and only in one direction. The
line also ends with whoever is at its other end, however that dies.
"""

import socket
from contextlib import suppress

LOADED = ord("l")
"""From a worker: the app's modules are imported. With the names of the tubes that it takes jobs from, and, on
a line of its own, the engine."""
CONNECTED = ord("c")
"""From a worker: it watches its tubes, at least at one server."""
WORN = ord("w")
"""From a worker: another is to take its place; until it is told to stop it works on."""
SOONER = ord("s")
"""From a worker: a call has an earlier deadline than the supervisor knows of. It looks whenever it hears something."""
REPORT = ord("r")
"""From a worker: what it does, as `ayl.worker.reports` has it."""
ASK = ord("a")
"""To a worker: report."""
GIVE_BACK = ord("g")
"""To a worker: the grace is over. Give back what is in hand, what runs included, and end."""

STOP = ord("t")
"""To the child of a process slot: there will be no more jobs for it."""
LOST = ord("o")
"""To the child of a process slot: the lease of the call that runs is lost."""
RENEW = ord("r")
"""From the child of a process slot: another is to take the place of its worker."""

LONGEST_TEXT = 65_536
"""Bytes behind a word. What is longer is cut."""


def pair() -> tuple[socket.socket, socket.socket]:
    """Both ends; what is said at once is heard at once, and nothing else with it."""
    return socket.socketpair(type=socket.SOCK_SEQPACKET)


class Line:
    """One end. `say` never blocks and never fails: when nobody is there, nobody needs to know."""

    def __init__(self, end: socket.socket) -> None:
        self._socket = end

    @classmethod
    def at(cls, descriptor: int) -> "Line":
        """The end that this process was started with; no process that it starts itself gets it."""
        end = socket.socket(fileno=descriptor)
        end.set_inheritable(False)
        return cls(end)

    def fileno(self) -> int:
        """Readable when there is something to hear, or nobody at the other end any more."""
        return self._socket.fileno()

    def say(self, word: int, text: str = "") -> None:
        with suppress(OSError):
            self._socket.send(bytes([word]) + text.encode()[:LONGEST_TEXT], socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)

    def hear(self) -> bytes:
        """Wait for a word, and the text behind it; b"" when nobody is at the other end any more."""
        try:
            return self._socket.recv(1 + LONGEST_TEXT)
        except OSError:
            return b""

    def close(self) -> None:
        self._socket.close()
