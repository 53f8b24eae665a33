"""Looks at a server, again and again, and what has changed from one to the next."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ayl.admin import facts
from ayl.admin.conversation import checked_pattern, conversation
from ayl.admin.errors import AdminError
from ayl.admin.peeks import PEEKED, first
from ayl.admin.statistics import look, looks, named
from ayl.errors import Unreachable

if TYPE_CHECKING:
    from ayl.admin.jobs import Job
    from ayl.admin.server import Server


@dataclass(frozen=True, slots=True)
class Change:
    """What is different in a tube since the look before."""

    seconds: float
    """Between the two."""
    workers: int
    """More of them, or fewer if below 0; so are the jobs of each state."""
    ready: int
    reserved: int
    delayed: int
    buried: int
    put: float
    """Jobs per second."""
    done: float
    """Jobs per second that left the server: deleted, as workers do when a call has ended."""


@dataclass(frozen=True, slots=True)
class SeenTube:
    """A tube, and how it differs from what it was."""

    tube: facts.TubeStatistics
    change: Change | None
    """None at the first look, and for a tube that is new since the last."""


@dataclass(frozen=True, slots=True)
class Look:
    """What there was to see at one moment."""

    server: str
    at: float
    """Seconds since 1970."""
    trouble: str = ""
    """Why there was nothing to see; empty if there was."""
    statistics: facts.ServerStatistics | None = None
    tubes: list[SeenTube] = field(default_factory=list)


class Onlooker:
    """Remembers its last look at a server, to tell the changes."""

    def __init__(self, server: Server, pattern: str = "") -> None:
        """`pattern`: a tube's name, or a text with `*` that matches several; empty for all. NotATubeName if no tube can
        have such a name.
        """
        self._server = server
        self._pattern = checked_pattern(pattern) if pattern else ""
        self._before: dict[str, facts.TubeStatistics] = {}
        self._last = 0.0

    def look(self, now: float, at: float) -> Look:
        """`now`: seconds of a clock that is never set; `at`: seconds since 1970. A server that is away is no error."""
        try:
            with conversation(self._server) as client:
                statistics = facts.server_statistics(client.stats())
                tubes = [*looks(client, named(client, self._pattern))]
        except (AdminError, Unreachable) as error:
            self._before = {}  # it may be another server when it is there again
            return Look(str(self._server), at, trouble=str(error))
        seconds = now - self._last
        seen = [SeenTube(tube, change(self._before.get(tube.name), tube, seconds)) for tube in tubes]
        self._before, self._last = {tube.name: tube for tube in tubes}, now
        return Look(str(self._server), at, statistics=statistics, tubes=seen)


def change(before: facts.TubeStatistics | None, after: facts.TubeStatistics, seconds: float) -> Change | None:
    """None if there is nothing to compare with: no look before, or a tube that has gone and come again meanwhile."""
    if before is None or seconds <= 0:
        return None
    if after.jobs.total < before.jobs.total or after.deletes < before.deletes:
        return None
    return Change(
        seconds=round(seconds, 3),
        workers=after.workers.total - before.workers.total,
        ready=after.jobs.ready - before.jobs.ready,
        reserved=after.jobs.reserved - before.jobs.reserved,
        delayed=after.jobs.delayed - before.jobs.delayed,
        buried=after.jobs.buried - before.jobs.buried,
        put=round((after.jobs.total - before.jobs.total) / seconds, 1),
        done=round((after.deletes - before.deletes) / seconds, 1),
    )


def heads(server: Server, tube: str) -> list[Job]:
    """The first job of each state that can be seen in a tube; none if there is no such tube."""
    with conversation(server) as client:
        if look(client, tube) is None:
            return []  # to use it would make it
        return [job for state in PEEKED if (job := first(client, tube, state)) is not None]
