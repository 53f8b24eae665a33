"""The slots of a process, when it has several: each works in a thread, and the main thread hears signals and waits.

Order of a stop: a signal, an order to retire or the crash of one slot rings the bell. All slots watch it, and none
silences it: each ends its call and takes no other. The process ends when the last of them has.
"""

import logging
import select
import selectors
import socket
import threading
from collections.abc import Callable, Sequence
from typing import Protocol

from ayl.worker.consumer import Stop
from ayl.worker.execution import Next

log = logging.getLogger("ayl.worker")


class CannotGoOn(Exception):
    """A slot has no hope, and so the process ends with this exit code."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class Watched(Protocol):
    """What has news now and then."""

    def fileno(self) -> int:
        """Readable once there is."""


class Bell:
    """Tells all slots of a process to stop."""

    def __init__(self, told: Callable[[], object] = lambda: None) -> None:
        """`told` hears of it, too, when it rings."""
        self.requested = False
        self._told = told
        self._reader, self._writer = socket.socketpair()

    def ring(self) -> None:
        """From now on everybody stops. May be called more than once, by any thread."""
        if not self.requested:
            self.requested = True
            self._told()
            self._writer.send(b"!")

    def install(self) -> None:
        """Nothing: signals are the main thread's, and nobody silences a bell."""

    def fileno(self) -> int:
        """Readable for good once it has rung."""
        return self._reader.fileno()

    def wait(self, seconds: float) -> None:
        """Wait this long, or until it rings."""
        with selectors.DefaultSelector() as selector:
            selector.register(self, selectors.EVENT_READ)
            selector.select(seconds)

    def close(self) -> None:
        """Once nobody watches it any more."""
        self._reader.close()
        self._writer.close()


def either(*watched: Watched) -> select.epoll:
    """Readable while one of these is."""
    together = select.epoll()
    for one in watched:
        together.register(one.fileno(), select.EPOLLIN)
    return together


def work_side_by_side(slots: Sequence[Callable[[], Next]], signals: Stop, bell: Bell) -> Next:
    """Each slot in a thread, until all have ended; what crashed one of them comes out."""
    ends: list[Next] = []
    crashes: list[BaseException] = []

    def work(slot: Callable[[], Next]) -> None:
        after = Next.GO_ON
        try:
            after = slot()
        except BaseException as error:  # noqa: BLE001 - it is raised in the main thread, when the others have ended
            log.critical("a slot crashed; the others end their calls: %r", error)
            crashes.append(error)
        ends.append(after)
        # Who found nothing to do ends alone: the calls of the others may send more, and they will look.
        if after is not Next.EMPTY or len(ends) == len(slots):
            bell.ring()

    threads = [
        threading.Thread(target=work, args=(slot,), name=f"ayl slot {number}") for number, slot in enumerate(slots, 1)
    ]
    for thread in threads:
        thread.start()
    with selectors.DefaultSelector() as selector:
        selector.register(signals, selectors.EVENT_READ)
        selector.register(bell, selectors.EVENT_READ)
        while not bell.requested:
            selector.select()
            signals.install()
            if signals.requested:
                bell.ring()
    log.info("takes no more jobs")
    for thread in threads:
        thread.join()
    if crashes:
        raise crashes[0]
    return next((after for after in (Next.RETIRE, Next.QUIET, Next.GO_ON) if after in ends), Next.EMPTY)
