"""Keeps the leases of calls alive that ask for it."""

from threading import Condition, Thread
from time import monotonic
from typing import Protocol


class Kept(Protocol):
    """A call's lease."""

    touch_at: float
    """When to renew it (monotonic clock)."""

    @property
    def seconds(self) -> float:
        """The time to run, from each renewal."""

    def touch(self) -> bool:
        """Renew it; False if it is lost."""


class Keeps(Protocol):
    """Who keeps leases alive."""

    @property
    def is_apart(self) -> bool:
        """Whether that is another process, which no call can hold up."""

    def keep(self, call: Kept) -> None:
        """As long as it runs."""

    def leave(self, call: Kept) -> None:
        """It has ended."""


class Keeper:
    """One thread for all slots of a process, started with the first such call."""

    is_apart = False
    """Whether that is another process, which no call can hold up."""

    def __init__(self) -> None:
        self._kept: set[Kept] = set()
        self._changed = Condition()
        self._thread: Thread | None = None

    def keep(self, call: Kept) -> None:
        """As long as it runs."""
        with self._changed:
            self._kept.add(call)
            self._changed.notify()
            if self._thread is None:
                self._thread = Thread(target=self._watch, name="ayl keeper", daemon=True)
                self._thread.start()

    def leave(self, call: Kept) -> None:
        """It has ended, or its lease is lost."""
        with self._changed:
            self._kept.discard(call)

    def _watch(self) -> None:
        while True:
            for call in self._due():
                if not call.touch():
                    self.leave(call)

    def _due(self) -> list[Kept]:
        """Once there are any."""
        with self._changed:
            while True:
                now = monotonic()
                if due := [call for call in self._kept if call.touch_at <= now]:
                    return due
                self._changed.wait(min((call.touch_at for call in self._kept), default=now + 3600) - now)
