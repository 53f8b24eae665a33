"""What a server says to one client, read strictly, word by word."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

SHOWN = 300
"""How many unexpected bytes an error message quotes."""


class Silence(Exception):
    """Nothing arrived in time."""


class Mismatch(AssertionError):
    """The server did not say what the transcript says."""


class Server(Protocol):
    """A running server of one target, as a conversation needs it."""

    @property
    def facts(self) -> Mapping[str, str]:
        """What the server should say about its process."""

    patience: float
    """Seconds within which a reply that is due must have come."""
    lateness: float
    """Seconds that a timer may be late."""
    calm: float
    """Seconds of silence that prove that nothing arrives."""

    def connect(self, who: str) -> None: ...
    def send(self, who: str, data: bytes) -> None: ...
    def half_close(self, who: str) -> None: ...
    def hang_up(self, who: str) -> None: ...
    def drain(self) -> None: ...
    def clock(self) -> float: ...
    def wait(self, seconds: float) -> None: ...
    def listen(self, seconds: float) -> None:
        """Wait, but no longer than until somebody hears something."""

    def receive(self, who: str, patience: float) -> bytes:
        """Return what has newly arrived, b"" at the end of the stream; raise Silence if nothing comes."""


class Inbox:
    """What one client has received and the transcript has not yet spoken of."""

    def __init__(self, server: Server, who: str) -> None:
        self.server = server
        self.who = who
        self.bytes = b""
        self.ended = False

    def line(self) -> bytes:
        """Take one line with its CRLF."""
        while b"\r\n" not in self.bytes:
            self._more()
        return self.exactly(self.bytes.index(b"\r\n") + 2)

    def exactly(self, count: int) -> bytes:
        """Take this many bytes."""
        while len(self.bytes) < count:
            self._more()
        taken, self.bytes = self.bytes[:count], self.bytes[count:]
        return taken

    def ends(self) -> bool:
        """Wait for the end of the stream; True if nothing was left before it."""
        try:
            while not self.ended and not self.bytes:
                self._fill(self.server.patience)
        except Silence:
            raise Mismatch("the connection is still open") from None
        return not self.bytes

    def unexpected(self, patience: float) -> bytes:
        """Return what is there though nothing should be, within ``patience`` seconds."""
        try:
            if not self.bytes and not self.ended:
                self._fill(patience)
        except Silence:
            return b""
        return self.bytes

    def _more(self) -> None:
        if self.ended:
            raise Mismatch(f"the server closed the connection; before that it said {shown(self.bytes)}")
        try:
            self._fill(self.server.patience)
        except Silence:
            raise Mismatch(f"no such reply came; so far there is {shown(self.bytes)}") from None

    def _fill(self, patience: float) -> None:
        arrived = self.server.receive(self.who, patience)
        self.bytes += arrived
        self.ended = not arrived


def framed(inbox: Inbox) -> bytes:
    """Take a whole ``OK <n>`` reply: n counts the bytes before the last CRLF."""
    line = inbox.line()
    word, _, size = line.removesuffix(b"\r\n").partition(b" ")
    if word != b"OK" or not size.isdigit():
        raise Mismatch(f"expected OK <n>; got {shown(line)}")
    body = inbox.exactly(int(size) + 2)
    if not body.endswith(b"\n\r\n"):
        raise Mismatch(f"{size.decode()} bytes of body do not end there: {shown(body)}")
    return body[:-2]


def report(body: bytes) -> dict[str, str]:
    """Read a report strictly: no YAML library, because the exact bytes are the point."""
    head, *lines = body.decode().removesuffix("\n").split("\n")
    if head != "---":
        raise Mismatch(f"a report starts with ---; got {head!r}")
    fields: dict[str, str] = {}
    for line in lines:
        key, colon, value = line.partition(": ")
        if not colon or key in fields:
            raise Mismatch(f"not a line of a report, or twice there: {line!r}")
        fields[key] = value
    return fields


def shown(data: bytes) -> str:
    """Quote bytes for an error message, not all ten million of them."""
    if len(data) <= SHOWN:
        return repr(data)
    return f"{data[:SHOWN]!r}... ({len(data)} bytes)"
