"""The two clocks of a server: a steady one to measure with, and the wall's, which may jump."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Clocks:
    """Both give seconds."""

    steady: Callable[[], float]
    wall: Callable[[], float]

    def shift(self) -> float:
        """What to add to the steady clock to get the wall's."""
        return self.wall() - self.steady()
