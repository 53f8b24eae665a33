"""Make a failing sequence short: leave out what can be left out while the servers still differ."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from .steps import Send, Step

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Steps = tuple[Step, ...]

TRIALS = 400
"""How many shorter sequences are tried at most: each needs two fresh servers."""


class Shrinking:
    """The shortest sequence so far."""

    def __init__(self, steps: Steps, differs: Callable[[Steps], bool]) -> None:
        self.best = steps
        self.differs = differs
        self.trials = TRIALS

    def whole(self) -> Steps:
        """Shorten until nothing more can be spared."""
        before: Steps = ()
        while self.best != before and self.trials > 0:
            before = self.best
            self._fewer_steps()
            self._smaller_packets()
        return self.best

    def _try(self, shorter: Steps) -> bool:
        self.trials -= 1
        if self.trials < 0 or not self.differs(shorter):
            return False
        self.best = shorter
        return True

    def _fewer_steps(self) -> None:
        """Take out stretches of steps, first half of them, in the end single ones; the latest first."""
        size = max(1, len(self.best) // 2)
        while size:
            end = len(self.best)
            while end > 0:
                self._try(self.best[: max(0, end - size)] + self.best[end:])
                end = min(end - size, len(self.best))
            size //= 2

    def _smaller_packets(self) -> None:
        for number in range(len(self.best)):
            while any(self._try(self._with(number, step)) for step in _smaller(self.best[number])):
                pass

    def _with(self, number: int, step: Step) -> Steps:
        return (*self.best[:number], step, *self.best[number + 1 :])


def _smaller(step: Step) -> Iterator[Step]:
    """The same in one piece, or with a command less."""
    if isinstance(step, Send):
        if step.first is not None:
            yield replace(step, first=None)
        if len(step.commands) > 1:
            for number in range(len(step.commands)):
                yield replace(step, commands=step.commands[:number] + step.commands[number + 1 :])
