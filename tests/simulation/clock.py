"""Time that passes only when it is told to."""

from __future__ import annotations

from ayl_server.clocks import Clocks

EPOCH = 1_800_000_000.0
"""What the wall clock shows when a run begins, seconds."""


class Clock:
    """A steady clock, and a wall clock that may jump."""

    def __init__(self) -> None:
        self.steady = 1000.0
        self.shift = EPOCH - self.steady
        """Wall clock less steady clock, seconds."""

    def clocks(self) -> Clocks:
        return Clocks(steady=lambda: self.steady, wall=lambda: self.steady + self.shift)

    def advance(self, seconds: float) -> None:
        self.steady += seconds

    def jump(self, seconds: float) -> None:
        """Somebody sets the wall clock."""
        self.shift += seconds

    def reboot(self, uptime: float) -> None:
        """The machine starts anew: the steady clock begins again, the wall clock goes on."""
        self.shift += self.steady - uptime
        self.steady = uptime
