"""Which message runs next in this process. Pure: the time is an argument."""

from heapq import heapify, heappop, heappush
from itertools import count
from typing import NamedTuple

from ayl.engines.submissions import Submission


class Errand(NamedTuple):
    """A message that waits or runs here."""

    submission: Submission
    since: float
    """When it was submitted, in seconds of a steady clock."""
    tries: int = 0
    """How often its call has failed."""
    returns: int = 0
    """How often it has come back for what was no try."""


class Schedule:
    """The delayed by time, the ready by priority and then in the order in which they came; as a server has them."""

    def __init__(self) -> None:
        self._numbers = count()
        self._ready: list[tuple[int, int, Errand]] = []
        self._delayed: list[tuple[float, int, Errand]] = []

    def __len__(self) -> int:
        return len(self._ready) + len(self._delayed)

    def add(self, errand: Errand, now: float, delay: float) -> None:
        number = next(self._numbers)
        if delay > 0:
            heappush(self._delayed, (now + delay, number, errand))
        else:
            heappush(self._ready, (errand.submission.priority, number, errand))

    def take(self, now: float) -> Errand | None:
        """The next to run; None if none is ready."""
        while self._delayed and self._delayed[0][0] <= now:
            _, number, errand = heappop(self._delayed)
            heappush(self._ready, (errand.submission.priority, number, errand))
        return heappop(self._ready)[2] if self._ready else None

    def next_due(self) -> float | None:
        """When the next of the delayed will be ready; None if none is delayed."""
        return self._delayed[0][0] if self._delayed else None

    def is_empty_until(self, moment: float) -> bool:
        """Whether nothing is ready, and nothing will be until then."""
        return not self._ready and (not self._delayed or self._delayed[0][0] > moment)

    def withdraw(self, message_id: str) -> bool:
        """Take one out that has not begun; whether it was there."""
        before = len(self)
        self._ready = [item for item in self._ready if item[2].submission.id != message_id]
        self._delayed = [item for item in self._delayed if item[2].submission.id != message_id]
        heapify(self._ready)
        heapify(self._delayed)
        return len(self) < before

    def drain(self) -> list[Errand]:
        """Take all out, the ready first."""
        found = [errand for _, _, errand in [*sorted(self._ready), *sorted(self._delayed)]]
        self._ready.clear()
        self._delayed.clear()
        return found
