"""Where what a daemon prints goes: a file, systemd's journal, or our own output. Whatever is wrong there, the daemon
goes on: what cannot be written is counted, and told when there is room again.
"""

from __future__ import annotations

import os
import select
import socket
from contextlib import suppress
from errno import EAGAIN
from typing import TYPE_CHECKING, Protocol

from ayl.daemons.grounds import LOG_MODE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

CHECK_SECONDS = 1.0
"""Between looks whether the file was moved away, and between tries to find the journal again."""

PATIENCE = 2.0
"""Seconds for who reads what we print to take a little of it: a keeper that waits keeps nothing meanwhile. Who has not
in that time is not waited for again.
"""

PIECE = select.PIPE_BUF
"""Bytes for which there is room in a pipe that takes anything at all."""

JOURNAL = "/run/systemd/journal/stdout"


class Sink(Protocol):
    """Takes bytes, at any place of a line."""

    @property
    def is_at_start(self) -> bool:
        """Whether what comes next begins a line."""

    def write(self, data: bytes, now: float) -> None: ...

    def close(self) -> None: ...


class Losses:
    """What could not be written."""

    def __init__(self) -> None:
        self._bytes = 0
        self._why = ""
        self.is_at_start = True
        """Of a line, after what was written."""

    def write(self, data: bytes, write: Callable[[bytes], int]) -> None:
        """`write` tells how much it has taken. What was lost is told first; until that can be, the rest is lost."""
        if self._bytes and self._left(self._line(), write):
            self._bytes += len(data)
        else:
            self._bytes = self._left(data, write)

    def _left(self, data: bytes, write: Callable[[bytes], int]) -> int:
        try:
            while data:
                taken = write(data)
                self.is_at_start = data[:taken].endswith(b"\n") if taken else self.is_at_start
                data = data[taken:]
        except OSError as error:
            self._why = error.strerror or str(error)
        return len(data)

    def _line(self) -> bytes:
        return f"\n[ayl_daemons: {self._bytes} bytes of output could not be written here: {self._why}]\n".encode()


class FileSink:
    """A file. When it was moved away or removed, as logrotate does, another is made in its place."""

    def __init__(self, path: str, now: float, also: Sequence[int] = ()) -> None:
        """`also`: descriptors that lead there, too, and do not hold on to what was moved away. OSError if it cannot be
        opened.
        """
        self._path = path
        self._also = also
        self._losses = Losses()
        self._descriptor = self._opened()
        self._checked = now

    @property
    def is_at_start(self) -> bool:
        return self._losses.is_at_start

    def write(self, data: bytes, now: float) -> None:
        if now - self._checked >= CHECK_SECONDS:
            self._checked = now
            self._follow()
        self._losses.write(data, lambda rest: os.write(self._descriptor, rest))

    def _follow(self) -> None:
        try:
            if os.path.samestat(os.stat(self._path), os.fstat(self._descriptor)):  # noqa: PTH116 - pathlib is large
                return
        except OSError:
            pass  # it is gone, or cannot be seen
        try:
            new = self._opened()
        except OSError:
            return  # the old one is better than none
        os.close(self._descriptor)
        self._descriptor = new

    def _opened(self) -> int:
        found = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK, LOG_MODE)
        for descriptor in self._also:
            os.dup2(found, descriptor)
        self._losses.is_at_start = _ends_with_a_line(self._path)
        return found

    def close(self) -> None:
        os.close(self._descriptor)


def _ends_with_a_line(path: str) -> bool:
    """Whether that file is empty, or its last line has its end; so it is said of one that cannot be read."""
    try:
        with open(path, "rb", opener=_without_waiting) as file:
            return file.seek(0, os.SEEK_END) == 0 or os.pread(file.fileno(), 1, file.tell() - 1) == b"\n"
    except OSError:
        return True


def _without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)


class JournalSink:
    """systemd's journal, by the stream that it offers to services."""

    def __init__(self, name: str, now: float) -> None:
        """`name`: the identifier to be found by (`journalctl -t`). OSError if there is no journal."""
        self._name = name
        self._stream = _journal(name)
        self._tried = now
        self._is_broken = False
        self._losses = Losses()

    @property
    def is_at_start(self) -> bool:
        return self._losses.is_at_start

    def write(self, data: bytes, now: float) -> None:
        if self._is_broken and now - self._tried >= CHECK_SECONDS:
            self._tried = now
            self._find_again()
        self._losses.write(data, self._send)

    def _send(self, data: bytes) -> int:
        try:
            taken = self._stream.send(data)
        except (BlockingIOError, TimeoutError):
            self._stream.settimeout(0)  # it was waited for: from now on, it has to have room
            raise
        except OSError:
            self._is_broken = True
            raise
        self._stream.settimeout(PATIENCE)
        return taken

    def _find_again(self) -> None:
        with suppress(OSError):
            new = _journal(self._name)
            self._stream.close()
            self._stream, self._is_broken, self._losses.is_at_start = new, False, True

    def close(self) -> None:
        self._stream.close()


def _journal(name: str) -> socket.socket:
    stream = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        stream.settimeout(PATIENCE)
        stream.connect(JOURNAL)
        # Identifier, unit, priority (6: info), prefixes are read, nothing is forwarded: sd_journal_stream_fd(3).
        stream.sendall(f"{name}\n\n6\n1\n0\n0\n0\n".encode())
    except BaseException:
        stream.close()
        raise
    return stream


class StreamSink:
    """Our own output, each line behind a prefix."""

    def __init__(self, descriptor: int, prefix: str) -> None:
        self._descriptor = descriptor
        self._prefix = prefix.encode()
        self._is_at_start = True
        self._is_stuck = False
        self._losses = Losses()

    @property
    def is_at_start(self) -> bool:
        return self._losses.is_at_start

    def write(self, data: bytes, now: float) -> None:
        self._losses.write(self._prefixed(data) if self._prefix else data, self._print)

    def _print(self, data: bytes) -> int:
        # (What it leads to is shared with others, whom it would surprise if it did not block any more.)
        self._is_stuck = not _has_room(self._descriptor, 0 if self._is_stuck else PATIENCE)
        if self._is_stuck:
            raise BlockingIOError(EAGAIN, "nobody reads it")
        return os.write(self._descriptor, data[:PIECE])

    def _prefixed(self, text: bytes) -> bytes:
        lines = text.split(b"\n")
        starts = [self._is_at_start, *[True] * (len(lines) - 1)]
        self._is_at_start = not lines[-1]
        # What is behind the last line end is a line only once there is something of it.
        return b"\n".join(
            self._prefix + line if at and (line or number < len(lines) - 1) else line
            for number, (at, line) in enumerate(zip(starts, lines, strict=True))
        )

    def close(self) -> None:
        """It is not ours to close."""


def _has_room(descriptor: int, seconds: float) -> bool:
    polled = select.poll()
    polled.register(descriptor, select.POLLOUT)
    return bool(polled.poll(seconds * 1000))
