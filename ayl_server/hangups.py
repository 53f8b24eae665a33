"""Clients whose sockets are left unread, but whose end must be noticed all the same.

While a client waits in `reserve`, only so much of what it sends behind that is read (connection.INPUT_LIMIT). A
transport that does not read does not see the end of the stream either; the kernel does, and says so here.
"""

import asyncio
import select
from collections.abc import Callable
from contextlib import suppress

ENDS = select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR
GONE = select.EPOLLHUP | select.EPOLLERR

MOST_AT_ONCE = 256

Ended = Callable[[bool], None]
"""Told once that the peer will send no more; and whether it is gone altogether."""


class Hangups:
    """One epoll for all such sockets, itself watched by the loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._epoll: select.epoll | None = select.epoll()  # now, while there are descriptors to be had
        self._heard = False
        self._watched: dict[int, Ended] = {}

    def watch(self, descriptor: int, ended: Ended) -> None:
        """Call `ended` when the peer of this socket ends its stream."""
        if self._epoll is None:
            return
        if not self._heard:
            self._heard = True
            self._loop.add_reader(self._epoll.fileno(), self._look)
        if descriptor not in self._watched:
            # Once only: an end stays, and would be told again and again.
            self._epoll.register(descriptor, ENDS | select.EPOLLONESHOT)
        self._watched[descriptor] = ended

    def forget(self, descriptor: int, ended: Ended) -> None:
        """Not that any more; nothing happens if it was not watched, or if its number is another's by now."""
        if self._epoll is not None and self._watched.get(descriptor) == ended:
            del self._watched[descriptor]
            with suppress(OSError):  # a closed socket has left by itself
                self._epoll.unregister(descriptor)

    def close(self) -> None:
        if self._epoll is not None:
            if self._heard:
                self._loop.remove_reader(self._epoll.fileno())
            self._epoll.close()
            self._epoll = None
        self._watched.clear()

    def _look(self) -> None:
        if self._epoll is None:
            return
        for descriptor, events in self._epoll.poll(0, MOST_AT_ONCE):
            if (ended := self._watched.get(descriptor)) is not None:
                self.forget(descriptor, ended)
                ended(bool(events & GONE))
