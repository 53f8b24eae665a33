"""In which order the jobs of a state come to light, foretold from their ids; pure.

A server shows the first buried job of a tube, and the second when the first is gone. Most often that is the one which
was put behind it: so several are taken at once, as many as the guesses have been worth until then, and afterwards it is
known in which order they stood.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ayl.admin.waiting import Waiting

RIGHT_FOR_ONE = 8
"""Guesses in a row that have to be right for each job that is taken before its turn has come."""

MOST = 64
"""Jobs that are taken at once."""

REACH = 16
"""Ids that are looked at for the next jobs, at least."""


class Foresight:
    """What is foretold, and how often that was right."""

    def __init__(self) -> None:
        self.line: list[Waiting] = []
        """Those that come next, the first of all at the front."""
        self._right = 0

    @property
    def jobs(self) -> int:
        """How many may be taken at once."""
        return min(MOST, 1 + self._right // RIGHT_FOR_ONE)

    @property
    def reach(self) -> int:
        """How many ids to look at for the line."""
        return max(REACH, 4 * self.jobs)

    def learn(self, taken: Sequence[int], fronts: Sequence[int]) -> None:
        """`fronts`: which job was the first when each of these had been taken; 0 for none."""
        for number, front in zip(taken, fronts, strict=True):
            if self.line[0].id == number:
                del self.line[0]
            else:
                self.line = [job for job in self.line if job.id != number]
            if self.line:
                self._right = self._right + 1 if self.line[0].id == front else 0


def in_line(first: int, taken: Sequence[int], fronts: Sequence[int]) -> tuple[list[int], list[int]]:
    """In which order those that were taken have stood, as far as that came to light, and those of them that stood
    somewhere behind the one which is the first now.

    `first` was the first before that; `fronts` as above. What was taken before its turn has stood behind the one whose
    turn it was, nobody knows how far.
    """
    stood: list[int] = []
    behind: dict[int, list[int]] = {}
    for number, front in zip(taken, (first, *fronts), strict=False):
        if number == front:
            stood += [number, *behind.pop(number, ())]
        else:
            behind.setdefault(front, []).append(number)
    return stood, [number for some in behind.values() for number in some]
