"""Replies as a client reads them."""

from __future__ import annotations

from dataclasses import dataclass

from .faults import BrokenError

WITH_DATA = {b"RESERVED": 3, b"FOUND": 3, b"OK": 2}
"""Words that are followed by data, and how many words their line has; the last one is the size."""


@dataclass(frozen=True, slots=True)
class Reply:
    word: str
    numbers: tuple[int, ...] = ()
    name: bytes = b""
    data: bytes = b""


class Reader:
    """Bytes in, replies out."""

    def __init__(self) -> None:
        self._buffer = b""

    def feed(self, data: bytes) -> list[Reply]:
        self._buffer += data
        replies = []
        while (reply := self._next()) is not None:
            replies.append(reply)
        return replies

    def _next(self) -> Reply | None:
        line, end, rest = self._buffer.partition(b"\r\n")
        if not end:
            return None
        words = line.split(b" ")
        word = words[0].decode()
        if words[0] not in WITH_DATA:
            self._buffer = rest
            if word == "USING":
                return Reply(word, name=words[1])
            return Reply(word, tuple(map(int, words[1:])))
        if len(words) != WITH_DATA[words[0]]:
            raise BrokenError(f"a strange reply: {line!r}")
        size = int(words[-1])
        if len(rest) < size + 2:
            return None
        if rest[size : size + 2] != b"\r\n":
            raise BrokenError(f"data of another size than its reply says: {line!r}")
        self._buffer = rest[size + 2 :]
        return Reply(word, tuple(map(int, words[1:])), data=rest[:size])
