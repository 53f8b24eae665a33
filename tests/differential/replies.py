"""What a server says, cut into replies: a line each, or a line and the bytes that it announces."""

from __future__ import annotations

from dataclasses import dataclass

ANNOUNCES_BYTES = {b"OK": 2, b"RESERVED": 3, b"FOUND": 3}
"""The words of replies that bytes follow, and of how many words such a line consists. The last one counts the bytes."""


@dataclass(frozen=True)
class Reply:
    """One reply. Two of the same server are equal when they are the same bytes."""

    line: bytes
    """Without its CR LF."""
    body: bytes | None = None
    """What follows the line if it announces bytes, with the CR LF that should end it."""

    @property
    def word(self) -> bytes:
        return self.line.partition(b" ")[0]


class Stream:
    """The bytes that one client receives, as they come."""

    def __init__(self) -> None:
        self.bytes = b""

    def feed(self, data: bytes) -> list[Reply]:
        """Take what has come; the replies that are complete now."""
        self.bytes += data
        found = []
        while (reply := self._next()) is not None:
            found.append(reply)
        return found

    def _next(self) -> Reply | None:
        line, end, rest = self.bytes.partition(b"\r\n")
        if not end:
            return None
        size = _announced(line)
        if size is None:
            self.bytes = rest
            return Reply(line)
        if len(rest) < size + 2:
            return None
        self.bytes = rest[size + 2 :]
        return Reply(line, rest[: size + 2])


def _announced(line: bytes) -> int | None:
    """How many bytes follow, without the CR LF behind them; None if the reply ends here."""
    words = line.split(b" ")
    if len(words) == ANNOUNCES_BYTES.get(words[0]) and words[-1].isdigit():
        return int(words[-1])
    return None
