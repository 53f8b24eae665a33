"""One client's socket: lines out, answers in, whole or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterable, Iterator, Sequence

AT_ONCE = 500
"""Commands sent before their answers are read: few enough bytes for the socket to take them all."""

WITH_BODY = frozenset({b"RESERVED", b"FOUND", b"OK"})


class Gone(Exception):
    """The server is not there any more; what was not answered may or may not have been done."""


class Answer(NamedTuple):
    """What came back."""

    words: list[bytes]
    body: bytes = b""

    @property
    def word(self) -> bytes:
        return self.words[0]

    @property
    def number(self) -> int:
        """The first number of the line: nearly always a job's id."""
        return int(self.words[1])

    def __str__(self) -> str:
        return b" ".join(self.words).decode()


class Wire:
    """A connection whose every answer is either complete or was never given."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self._replies = connected.makefile("rb")

    def close(self) -> None:
        self._replies.close()
        self._socket.close()

    def send(self, data: bytes) -> None:
        try:
            self._socket.sendall(data)
        except ConnectionError:
            raise Gone from None

    def answer(self) -> Answer:
        """The next one; Gone if it does not come, or not whole."""
        try:
            line = self._replies.readline()
            if not line.endswith(b"\r\n"):
                raise Gone
            words = line.split()
            if words[0] not in WITH_BODY:
                return Answer(words)
            size = int(words[-1])
            body = self._replies.read(size + 2)
        except ConnectionError:
            raise Gone from None
        if len(body) < size + 2:
            raise Gone
        return Answer(words, body[:-2])

    def ask(self, line: bytes) -> Answer:
        self.send(line)
        return self.answer()

    def ask_all(self, lines: Sequence[bytes]) -> Iterator[Answer]:
        """The answers to many lines, in their order."""
        for start in range(0, len(lines), AT_ONCE):
            some = lines[start : start + AT_ONCE]
            self.send(b"".join(some))
            for _ in some:
                yield self.answer()


def report(answer: Answer) -> dict[str, str]:
    """The lines of a statistics report."""
    pairs: Iterable[list[str]] = (line.split(": ", 1) for line in answer.body.decode().splitlines()[1:])
    return {key: value.strip('"') for key, value in pairs}
