"""A socket whose peer has only so long for each whole reply."""

import socket
from io import BufferedReader, RawIOBase
from math import ceil
from select import POLLIN, poll
from struct import pack
from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

SMALL = 1 << 14
"""Bytes that are sent in one go: a peer that does not take them in time does not work."""

NOW = int(socket.MSG_DONTWAIT)
"""Python's own constant is an enumeration's, whose `|` takes longer than the call it is for."""

SLOWEST = 1 << 14
"""Bytes per second: a peer that takes large writes more slowly is given up, though it takes something now and then."""


class Prompt(socket.socket):
    """Raises TimeoutError when the peer does not do its part in time.

    A socket's own timeout starts anew with every byte: a peer that dribbles would hold its client for ever.
    greenstalk sends each command in one `sendall`, so there the clock starts. While a large write flows, however
    slowly, nobody is late.
    """

    received = 0
    """Bytes, over the connection's whole life."""
    patience = 0.0
    """Seconds for each reply, and for each step of a large write."""
    deadline = 0.0
    """When the present reply has to be there, in seconds of the monotonic clock."""
    _first = True
    _queued = 0
    _latest = 0.0

    def __del__(self) -> None:
        # A thread's connection ends with the thread, without a word to anybody; in whatever order a cycle is let go of.
        self.close()

    def wait_at_most(self, patience: float) -> None:
        """Set `patience`."""
        self.patience = patience

    def restart(self) -> None:
        """A reply is expected from now on; for replies that may be long in coming and have just begun to."""
        self.deadline = monotonic() + self.patience
        self._first = True
        self.settimeout(self.patience)

    def next_reply(self) -> None:
        """One of several replies has been read: the next has as long again."""
        self.deadline = monotonic() + self.patience

    def sendall(self, data: "ReadableBuffer", flags: int = 0) -> None:
        self.restart()
        size = len(data)  # type: ignore[arg-type] # greenstalk and we send bytes
        if size <= SMALL:
            self._queued = 0
            super().sendall(data, flags)
            return
        self._latest = self.deadline + size / SLOWEST
        view = memoryview(data)
        while view:
            try:
                view = view[self.send(view, flags) :]
            except TimeoutError:
                # The kernel says that there is room only when there is much of it.
                if not self._flows():
                    raise
            else:
                self._queued = self._leaving()
        self.restart()

    def recv_into(self, buffer: "WriteableBuffer", nbytes: int = 0, flags: int = 0) -> int:
        while True:
            # Nearly every reply comes whole; the timeout that was set when it was asked for holds for its first part.
            if not self._first:
                left = self.deadline - monotonic()
                if left <= 0 and not self._flows():
                    raise TimeoutError
                self.settimeout(max(left, self.deadline - monotonic()))
            self._first = False
            try:
                count = super().recv_into(buffer, nbytes, flags)
            except TimeoutError:
                if self._flows():
                    continue
                raise
            self.received += count
            return count

    def _flows(self) -> bool:
        """Whether what was written is still on its way out, and moves: then nobody is late yet."""
        if not self._queued or monotonic() > self._latest:
            return False
        before, self._queued = self._queued, self._leaving()
        if self._queued >= before:
            return False
        self.next_reply()
        return True

    def _leaving(self) -> int:
        """Bytes that the kernel still holds for the peer."""
        from fcntl import ioctl  # both only for writes that take long
        from termios import TIOCOUTQ

        return int.from_bytes(ioctl(self.fileno(), TIOCOUTQ, bytes(4)), "little")


class PromptSocket(Prompt):
    """Takes over a connected socket.

    The kernel keeps the time of the first part of each reply, which nearly always is the whole: Python's own timeouts
    cost another system call for each. So a small command is one call, and its reply another.
    """

    def __init__(self, connected: socket.socket, patience: float) -> None:
        super().__init__(fileno=connected.detach())
        self.settimeout(None)
        self._readable = poll()
        self._readable.register(self.fileno(), POLLIN)
        self.wait_at_most(patience)
        self.restart()

    def wait_at_most(self, patience: float) -> None:
        if patience != self.patience:
            self.patience = patience
            self.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _timeval(patience))

    def makefile(self, *_args: object, **_kwargs: object) -> "BufferedReader":  # type: ignore[override]
        # greenstalk's only use of it, without what the standard library's checks at each read
        return BufferedReader(_Replies(self))

    def restart(self) -> None:
        self.deadline = monotonic() + self.patience
        self._first = True

    def sendall(self, data: "ReadableBuffer", flags: int = 0) -> None:
        self.deadline = monotonic() + self.patience
        self._first = True
        sent, size = 0, len(data)  # type: ignore[arg-type] # as above
        if size <= SMALL:
            self._queued = 0
            try:
                sent = self.send(data, flags | NOW)
            except BlockingIOError:
                sent = 0
        if sent < size:
            self.settimeout(self.patience)
            try:
                super().sendall(memoryview(data)[sent:], flags)
            finally:
                self.settimeout(None)

    def recv_into(self, buffer: "WriteableBuffer", nbytes: int = 0, flags: int = 0) -> int:
        if self._first:
            self._first = False
            try:
                count = _recv_into(self, buffer, nbytes, flags)
            except BlockingIOError:
                if not self._flows():
                    raise TimeoutError from None
            else:
                self.received += count
                return count
        return self._recv_rest(buffer, nbytes, flags)

    def _recv_rest(self, buffer: "WriteableBuffer", nbytes: int, flags: int) -> int:
        """What dribbles is held to its end."""
        while True:
            left = self.deadline - monotonic()
            if left > 0 and self._readable.poll(ceil(left * 1000)):
                try:
                    count = _recv_into(self, buffer, nbytes, flags | NOW)
                except BlockingIOError:
                    continue
                self.received += count
                return count
            if not self._flows():
                raise TimeoutError

    def has_begun(self) -> bool:
        """Whether a reply has begun to arrive, given that the socket is readable."""
        return True


_recv_into = socket.socket.recv_into


def _timeval(seconds: float) -> bytes:
    """For the kernel, in whole milliseconds; none at all would mean that it waits for ever."""
    milliseconds = max(1, ceil(seconds * 1000))
    return pack("ll", milliseconds // 1000, milliseconds % 1000 * 1000)


class _Replies(RawIOBase):
    """What greenstalk reads from."""

    def __init__(self, prompt: PromptSocket) -> None:
        self.readinto = prompt.recv_into  # type: ignore[method-assign]

    def readable(self) -> bool:
        return True
