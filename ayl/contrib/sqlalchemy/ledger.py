"""What waits for the commit of one session, savepoint by savepoint; knows nothing of SQLAlchemy."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from ayl.commits import Waiting

OnCommit = Callable[[], None]


class Fate(Enum):
    """What the session has said of a transaction or savepoint before it told of its end."""

    OPEN = "nothing: then it was closed, which undoes what it has written"
    COMMITTING = "its commit has begun; when nothing else is heard of it, that has failed"
    COMMITTED = "it was committed or released"
    ROLLED_BACK = "it was rolled back"


UNDONE = frozenset({Fate.COMMITTING, Fate.ROLLED_BACK})
"""At their end all that waits is let go of, and whoever asked for it knows."""


@dataclass(slots=True)
class Level:
    """The transaction, or a savepoint in it."""

    waiting: list[OnCommit] = field(default_factory=list)
    fate: Fate = Fate.OPEN
    wrote: bool = False
    lost: int = 0
    """How many messages went with savepoints that were closed, neither released nor rolled back."""


class Ending(NamedTuple):
    """The end of a transaction."""

    leaving: list[OnCommit]
    """To be called now, in order."""
    lost: int
    """How many messages were let go of because a transaction with changes was closed without a commit."""


class Ledger:
    """The open transaction of one session, with savepoints in savepoints; the innermost is the current one."""

    __slots__ = ("_levels",)

    def __init__(self) -> None:
        self._levels: list[Level] = []

    @property
    def depth(self) -> int:
        """0 without a transaction, 1 in one, 2 in a savepoint of it, and so on."""
        return len(self._levels)

    def begin(self, depth: int) -> None:
        """There are that many now."""
        while len(self._levels) < depth:
            self._levels.append(Level())

    def hold(self, on_commit: OnCommit) -> None:
        """Keep it until the commit."""
        self._levels[-1].waiting.append(on_commit)

    def written(self) -> None:
        """The current one has sent changes to the database."""
        if self._levels:
            self._levels[-1].wrote = True

    def decided(self, fate: Fate) -> None:
        """What the session says of the current one."""
        if self._levels:
            self._levels[-1].fate = fate

    def end(self, *, pending: bool) -> Ending | None:
        """The end of the current one; None if it was a savepoint. `pending`: it has changes that were not sent yet."""
        level = self._levels.pop()
        leaving, lost = level.waiting, level.lost
        if level.fate in UNDONE:
            leaving, lost = [], 0
        elif level.fate is Fate.OPEN and (level.wrote or pending):
            lost += sum(isinstance(on_commit, Waiting) for on_commit in leaving)
            leaving = []
        if not self._levels:
            return Ending(leaving, lost)
        parent = self._levels[-1]
        parent.waiting += leaving
        parent.wrote = parent.wrote or (level.wrote and level.fate is not Fate.ROLLED_BACK)
        parent.lost += lost
        return None

    def let_go_unless_written(self) -> list[OnCommit]:
        """What waits, in order, if nothing was written that could be undone; it waits no longer then."""
        if any(level.wrote or level.fate is not Fate.OPEN for level in self._levels):
            return []
        free = [on_commit for level in self._levels for on_commit in level.waiting]
        for level in self._levels:
            level.waiting = []
        return free

    def abandon(self, *, pending: bool) -> Ending | None:
        """The session is no more, and whatever was open in it was closed; None without a transaction."""
        ending: Ending | None = None
        while self._levels:
            ending = self.end(pending=pending)
        return ending
