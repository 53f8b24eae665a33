"""How a worker is brought to end: asked, asked again, made to give back, killed. Pure: times are arguments."""

from enum import Enum
from math import inf

REMINDER_SECONDS = 1.0
"""Between the first two requests: a call may have had a signal handler of its own when the first came. Each time after
that it is twice as long: with each signal the kernel counts the time anew for the answer that a worker is waiting for.
"""

LAST_SECONDS = 2.0
"""For giving back, before a worker that does not even do that is killed."""


class Act(Enum):
    """What the supervisor does to a worker."""

    ASK = "end after your calls"
    GIVE_BACK = "end them now, and give their jobs back"
    KILL = "end"


class Farewell:
    """Of one worker."""

    def __init__(self, now: float, grace: float | None) -> None:
        """`grace`: seconds for the calls that run; None for as long as they take."""
        self._ask_at = now
        self._remind_after = REMINDER_SECONDS
        self._give_back_at = inf if grace is None else now + grace
        self._kill_at = inf
        self._is_over = False  # the grace

    def hasten(self, now: float, grace: float = 0.0) -> None:
        """From now on there are no more than so many seconds for the calls that run."""
        if not self._is_over:
            self._give_back_at = min(self._give_back_at, now + grace)

    def due(self, now: float) -> Act | None:
        """What is to be done now; ask until there is nothing more."""
        if now >= self._kill_at:
            self._ask_at = self._give_back_at = self._kill_at = inf
            return Act.KILL
        if now >= self._ask_at:  # first of all, for who has no call to give back ends by this
            self._ask_at = now + self._remind_after
            self._remind_after *= 2
            return Act.ASK
        if now >= self._give_back_at:
            self._ask_at = self._give_back_at = inf
            self._kill_at = now + LAST_SECONDS
            self._is_over = True
            return Act.GIVE_BACK
        return None

    def next(self) -> float:
        """When there will be something to do; infinity for never."""
        return min(self._ask_at, self._give_back_at, self._kill_at)
