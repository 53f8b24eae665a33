"""One look after the other, at all servers at once, and who is told of each."""

from __future__ import annotations

import signal
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from ayl.admin.onlooker import Look, Onlooker
from ayl.cli.live.tubes import WAITING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ayl.admin import Server
    from ayl.cli.live.drawing import Line
    from ayl.cli.live.screen import Screen


def looking(servers: Sequence[Server], pattern: str) -> Callable[[], list[Look]]:
    """What gives a look at each. A server that does not answer holds them up for its own timeout only."""
    onlookers = [Onlooker(server, pattern) for server in servers]

    def look() -> list[Look]:
        now, at = time.monotonic(), time.time()
        if len(onlookers) == 1:
            return [onlookers[0].look(now, at)]
        with ThreadPoolExecutor(len(onlookers), initializer=leave_signals) as together:
            return [*together.map(lambda onlooker: onlooker.look(now, at), onlookers)]

    return look


def leave_signals() -> None:
    """To the main thread, whose waiting they end: only there does Python handle them."""
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())


def rounds(
    seconds: float,
    count: int | None,
    look: Callable[[], list[Look]],
    tell: Callable[[list[Look]], None],
    wait: Callable[[float], bool],
) -> list[Look]:
    """Look and tell, `count` times or until `wait` says no, which is told when the next is due by the monotonic clock.

    The looks of the last time, if that was the last of `count`.
    """
    done = 0
    while True:
        due = time.monotonic() + seconds
        found = look()
        tell(found)
        done += 1
        if done == count:
            return found
        if not wait(due):
            return []


def sleep(due: float) -> bool:
    """Until then."""
    time.sleep(max(0.0, due - time.monotonic()))
    return True


class Shown:
    """The last look, kept on a screen whatever becomes of that."""

    def __init__(self, screen: Screen, drawn: Callable[[list[Look], int, int], list[Line]]) -> None:
        self._screen = screen
        self._drawn = drawn
        self._looks: list[Look] = []
        screen.show([WAITING])

    def tell(self, looks: list[Look]) -> None:
        self._looks = looks
        self._screen.show(self.lines)

    def wait(self, due: float) -> bool:
        """False after q."""
        while (seconds := due - time.monotonic()) > 0:
            if self._screen.key(seconds) == "q":
                return False
            self._screen.show(self.lines)
        return True

    @property
    def lines(self) -> list[Line]:
        """What there is to see of it now; nothing before the first look."""
        return self._drawn(self._looks, *self._screen.size) if self._looks else []
