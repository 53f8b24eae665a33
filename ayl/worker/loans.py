"""The jobs that a relay has handed to its child. Pure but for the leases themselves.

They are numbered in that order, and the child begins with them in that order (`ayl.worker.tally`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from ayl.engines.base import Lease


@dataclass(frozen=True, slots=True)
class Estate:
    """What a child leaves that has died."""

    done: Sequence[Lease]
    """Their calls have ended well, and nobody has told the server yet."""
    ran: Lease | None
    """Whose call has died with it."""
    unbegun: Sequence[Lease]


class Loans:
    """Of one child."""

    def __init__(self) -> None:
        self._leases: dict[int, Lease] = {}
        self._last = 0

    def lend(self, leases: Sequence[Lease]) -> list[int]:
        """Their numbers."""
        first = self._last + 1
        self._last += len(leases)
        numbers = [*range(first, self._last + 1)]
        self._leases.update(zip(numbers, leases, strict=True))
        return numbers

    def get(self, number: int) -> Lease | None:
        """None if it is settled."""
        return self._leases.get(number)

    def settled(self, *numbers: int) -> None:
        """There is nothing more to do about these."""
        for number in numbers:
            self._leases.pop(number, None)

    def drop(self) -> None:
        """The connection is lost, and all leases with it."""
        self._leases.clear()

    def estate(self, at: int) -> Estate:
        """What is left of a child that was at this job (`Tally.at`)."""
        numbered = self._leases.items()
        return Estate(
            done=[lease for number, lease in numbered if number < abs(at) or number == -at],
            ran=self._leases.get(at),
            unbegun=[lease for number, lease in numbered if number > abs(at)],
        )
