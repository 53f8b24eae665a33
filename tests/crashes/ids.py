"""Which ids the server has given away, to whomever: none may be given twice, in all its lives."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING

from .world import Contradiction

if TYPE_CHECKING:
    from .wire import Answer


class Ids:
    """All ids that somebody was told of."""

    def __init__(self) -> None:
        self.highest = 0
        self._given: set[int] = set()
        self._before = 0
        self._lock = Lock()

    def given(self, answer: Answer) -> None:
        """Somebody's put was answered."""
        if answer.word != b"INSERTED":
            return
        with self._lock:
            if answer.number in self._given or answer.number <= self._before:
                raise Contradiction(f"id {answer.number} was given away again, after {self._before}")
            self._given.add(answer.number)
            self.highest = max(self.highest, answer.number)

    def restarted(self) -> None:
        """From now on every id must be higher than all that were told before."""
        self._before = self.highest
