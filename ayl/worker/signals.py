"""Signals to the supervisor: they are only recorded, and its loop acts."""

import signal
import socket
import sys
from collections import deque
from contextlib import suppress
from enum import Enum


class Order(Enum):
    """What an operator wants."""

    STOP = "end, each worker after its calls"
    QUIET = "take no more jobs, and stay"
    RESUME = "take jobs again"
    RESTART = "put new workers in the place of these, one by one"
    RELOAD = "the same, and where a worker could not start, because the code has changed"


ORDERS = {
    signal.SIGTERM: Order.STOP,
    signal.SIGINT: Order.STOP,
    signal.SIGTSTP: Order.QUIET,
    signal.SIGUSR1: Order.QUIET,
    signal.SIGCONT: Order.RESUME,
    signal.SIGUSR2: Order.RESUME,
    signal.SIGHUP: Order.RESTART,
}


class Signals:
    """As they come."""

    def __init__(self) -> None:
        self._orders: deque[Order] = deque()
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)

    def install(self) -> None:
        """From now on."""
        signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        for number, order in ORDERS.items():
            if number == signal.SIGHUP and sys.stdin is not None and sys.stdin.isatty():
                order = Order.STOP  # noqa: PLW2901 - at a terminal it says that this was closed
            signal.signal(number, lambda *_, order=order: self._orders.append(order))
        signal.signal(signal.SIGCHLD, lambda *_: None)  # only to wake the loop

    def say(self, order: Order) -> None:
        """As if a signal had said it; by any thread."""
        self._orders.append(order)
        with suppress(BlockingIOError):
            self._writer.send(b"!")

    def fileno(self) -> int:
        """Readable once one has come."""
        return self._reader.fileno()

    def taken(self) -> list[Order]:
        """Those that have come since the last look, in order."""
        with suppress(BlockingIOError):
            while self._reader.recv(4096):
                pass
        return [self._orders.popleft() for _ in range(len(self._orders))]
