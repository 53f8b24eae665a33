"""Where what a daemon prints goes: a file, systemd's journal, or our own output. Whatever is wrong there, the daemon
goes on: what cannot be written is counted, and told when there is room again.
"""

from __future__ import annotations

import os
import socket
from typing import Protocol

CHECK_SECONDS = 1.0
"""Between looks whether the file was moved away."""

JOURNAL = "/run/systemd/journal/stdout"


class Sink(Protocol):
    """Takes bytes, at any place of a line."""

    def write(self, data: bytes, now: float) -> None: ...

    def close(self) -> None: ...


class Losses:
    """What could not be written."""

    def __init__(self) -> None:
        self._bytes = 0
        self._why = ""

    def add(self, number: int, error: OSError) -> None:
        self._bytes += number
        self._why = error.strerror or str(error)

    def taken(self) -> bytes:
        """A line about them, or nothing; from then on they are forgotten."""
        if not self._bytes:
            return b""
        line = f"\n[ayl_daemons: {self._bytes} bytes of output could not be written here: {self._why}]\n".encode()
        self._bytes = 0
        return line


class FileSink:
    """A file. When it was moved away or removed, as logrotate does, another is made in its place."""

    def __init__(self, path: str, now: float) -> None:
        """OSError if it cannot be opened."""
        self._path = path
        self._descriptor = _opened(path)
        self._checked = now
        self._losses = Losses()

    def write(self, data: bytes, now: float) -> None:
        if now - self._checked >= CHECK_SECONDS:
            self._checked = now
            self._follow()
        rest = self._losses.taken() + data
        try:
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except OSError as error:
            self._losses.add(len(rest), error)

    def _follow(self) -> None:
        try:
            if os.path.samestat(os.stat(self._path), os.fstat(self._descriptor)):  # noqa: PTH116 - pathlib is large
                return
        except OSError:
            pass  # it is gone, or cannot be seen
        try:
            new = _opened(self._path)
        except OSError:
            return  # the old one is better than none
        os.close(self._descriptor)
        self._descriptor = new

    def close(self) -> None:
        os.close(self._descriptor)


class JournalSink:
    """systemd's journal, by the stream that it offers to services."""

    def __init__(self, name: str) -> None:
        """`name`: the identifier to be found by (`journalctl -t`). OSError if there is no journal."""
        self._stream = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._stream.connect(JOURNAL)
            # Identifier, unit, priority (6: info), prefixes are read, nothing is forwarded: sd_journal_stream_fd(3).
            self._stream.sendall(f"{name}\n\n6\n1\n0\n0\n0\n".encode())
        except BaseException:
            self._stream.close()
            raise
        self._losses = Losses()

    def write(self, data: bytes, now: float) -> None:
        try:
            self._stream.sendall(self._losses.taken() + data)
        except OSError as error:
            self._losses.add(len(data), error)

    def close(self) -> None:
        self._stream.close()


class StreamSink:
    """Our own output, each line behind a prefix."""

    def __init__(self, descriptor: int, prefix: str) -> None:
        self._descriptor = descriptor
        self._prefix = prefix.encode()
        self._is_at_start = True
        self._losses = Losses()

    def write(self, data: bytes, now: float) -> None:
        text = self._losses.taken() + data
        shown = self._prefixed(text) if self._prefix else text
        try:
            while shown:
                shown = shown[os.write(self._descriptor, shown) :]
        except OSError as error:
            self._losses.add(len(data), error)

    def _prefixed(self, text: bytes) -> bytes:
        lines = text.splitlines(keepends=True)
        marked = b"".join(
            line if not (at or self._is_at_start) else self._prefix + line for at, line in enumerate(lines)
        )
        self._is_at_start = text.endswith(b"\n")
        return marked

    def close(self) -> None:
        """It is not ours to close."""


def _opened(path: str) -> int:
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK, 0o640)
