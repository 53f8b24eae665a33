"""What systemd wants to hear again and again: that a process lives, and that its start takes longer than usual."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ayl.systemd import Notifier

EXTENSION_SECONDS = 60
"""Asked for at once, from then on. The start of a unit has no end otherwise but its limit."""

PLEA_SECONDS = EXTENSION_SECONDS / 3
"""Between two requests: one that is lost, or late, does not matter."""


class Signs:
    """Of one process."""

    def __init__(self, notifier: Notifier) -> None:
        self._notifier = notifier
        self._beat_at = 0.0 if notifier.watchdog else inf
        self._plead_at = 0.0 if notifier.is_heard else inf

    @property
    def due(self) -> float:
        """When to give them at the latest, seconds of the monotonic clock."""
        return min(self._beat_at, self._plead_at)

    def give(self, now: float, *, is_starting: bool) -> None:
        """Those that are due. Who has started, or stops, asks for no more time from then on."""
        if not is_starting:
            self._plead_at = inf
        elif now >= self._plead_at:
            self._notifier.tell({"EXTEND_TIMEOUT_USEC": str(EXTENSION_SECONDS * 1_000_000)})
            self._plead_at = now + PLEA_SECONDS
        if now >= self._beat_at:
            self._notifier.alive()
            self._beat_at = now + self._notifier.watchdog / 2
