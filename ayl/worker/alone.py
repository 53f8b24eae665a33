"""One call alone in its process, while the others step aside: when it would be blamed for the end of the process.

When a process dies, all its calls are made again, for nobody knows whose doing it was. What was there each time is made
alone at last. Until all others have stepped aside it waits; and who steps aside holds no job, nor may it be handed one,
for whatever is held when a process dies is suspected, and would have to be made alone, too.

    who wants to be alone: has the seat, and asks           each member, between two calls: gives back what it has not
    waits until all other members are aside                 begun with, withdraws its reserve, and steps aside
    makes its call, settles, leaves the seat                goes on

Calls that take longer than the patience of who waits go on beside it. There is one seat: two that may be blamed never
meet.
"""

import os
from collections.abc import Callable
from threading import Condition

PATIENCE = 5.0
"""Seconds to wait for the others, whose slots stand idle meanwhile."""


class Alone:
    """Of one worker process. A member is whoever may hold a job."""

    def __init__(self) -> None:
        self.is_wanted = False
        """Whether all are to step aside."""
        self._is_taken = False
        self._members = 0
        self._aside = 0
        self._changed = Condition()
        self._news = os.eventfd(0)
        self._told: list[Callable[[], object]] = []

    @property
    def is_sole(self) -> bool:
        """Whether there is one member, so that nobody has to wait for it to be alone."""
        return self._members == 1

    def fileno(self) -> int:
        """Readable while all are to step aside."""
        return self._news

    def tell(self, function: Callable[[], object]) -> None:
        """Call this, too, whenever all are to step aside."""
        self._told.append(function)

    def join(self, count: int = 1) -> None:
        """So many members more."""
        with self._changed:
            self._members += count

    def leave(self, count: int = 1) -> None:
        """They hold nothing any more, and take nothing."""
        with self._changed:
            self._members -= count
            if self.is_wanted:
                self._changed.notify_all()

    def step_aside(self) -> None:
        """Until nobody wants to be alone. The member must not hold a job, nor have asked for one."""
        with self._changed:
            self._aside += 1
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self.is_wanted)
            self._aside -= 1

    def begin(self, patience: float = PATIENCE) -> bool:
        """For a member: be alone until `end`, but for calls that take longer than so many seconds. False if another is,
        or wants to be.
        """
        with self._changed:
            if self._is_taken:
                return False
            self._is_taken = self.is_wanted = True
            os.eventfd_write(self._news, 1)
        for function in self._told:
            function()
        with self._changed:
            if not self._changed.wait_for(lambda: self._aside >= self._members - 1, patience):
                self._call_back()
        return True

    def end(self) -> None:
        """Others may go on."""
        with self._changed:
            self._is_taken = False
            if self.is_wanted:
                self._call_back()

    def _call_back(self) -> None:
        self.is_wanted = False
        os.eventfd_read(self._news)
        self._changed.notify_all()
