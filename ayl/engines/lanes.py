"""Which lanes a worker asks for its next jobs, when it is to prefer some. Pure.

A lane is a tube, or all tubes that a name with `*` matches, by its number in the order in which they were given. Of a
lane that has no job now, nothing is said but that: the next in turn is asked in its place.
"""

from collections.abc import Callable, Collection, Sequence
from math import lcm
from threading import Lock
from typing import Protocol, TypeVar

T = TypeVar("T")


class Turns(Protocol):
    """Shared by the slots of a process."""

    def plan(self, count: int, empty: Collection[int]) -> list[tuple[int, int]]:
        """Of which lanes to ask for how many jobs, those first that are asked first, `count` in all; nothing if all
        lanes are `empty`.
        """

    def took(self, lane: int, count: int) -> None:
        """So many jobs came from that lane."""

    def passed(self, empty: Collection[int]) -> None:
        """These were asked, and had no more."""


class Strict:
    """A lane is asked only when those before it are empty."""

    def __init__(self, lanes: int) -> None:
        self._lanes = range(lanes)

    def plan(self, count: int, empty: Collection[int]) -> list[tuple[int, int]]:
        first = next((lane for lane in self._lanes if lane not in empty), None)
        return [] if first is None else [(first, count)]

    def took(self, lane: int, count: int) -> None:
        pass

    def passed(self, empty: Collection[int]) -> None:
        pass


class Shares:
    """Each lane has its share of the jobs as long as all have some. What a lane does not use goes to the others, and
    gives it no claim to more later.
    """

    def __init__(self, shares: Sequence[int]) -> None:
        """Of each lane, at least 1."""
        whole = lcm(*shares)
        self._steps = [whole // share for share in shares]
        self._ways = [0] * len(shares)
        """How far each has come: a step for each job, longer where the share is less. Who is behind is next."""
        self._lock = Lock()

    def plan(self, count: int, empty: Collection[int]) -> list[tuple[int, int]]:
        with self._lock:
            lanes = [lane for lane in range(len(self._steps)) if lane not in empty]
            if not lanes:
                return []
            ways = [*self._ways]
        planned = dict.fromkeys(sorted(lanes, key=ways.__getitem__), 0)
        for _ in range(count):
            lane = min(lanes, key=ways.__getitem__)
            ways[lane] += self._steps[lane]
            planned[lane] += 1
        return [(lane, number) for lane, number in planned.items() if number]

    def took(self, lane: int, count: int) -> None:
        with self._lock:
            self._ways[lane] += count * self._steps[lane]

    def passed(self, empty: Collection[int]) -> None:
        with self._lock:
            least = min((way for lane, way in enumerate(self._ways) if lane not in empty), default=0)
            for lane in empty:
                self._ways[lane] = max(self._ways[lane], least)


def taken(turns: Turns, count: int, ask: Callable[[int, int], list[T]]) -> list[T]:
    """Up to so many jobs. `ask` gets up to so many that are ready now from a lane."""
    came: list[T] = []
    empty: set[int] = set()
    while len(came) < count and (plan := turns.plan(count - len(came), empty)):
        for lane, number in plan:
            jobs = ask(lane, number)
            turns.took(lane, len(jobs))
            came += jobs
            if len(jobs) < number:
                empty.add(lane)
    turns.passed(empty)
    return came
