"""The jobs of a tube move to another, as they are."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ayl.admin import jobs
from ayl.admin.conversation import checked, conversation
from ayl.admin.errors import RequestRefused
from ayl.admin.moves import moves, unchanged
from ayl.admin.statistics import look, statistics, tube_statistics
from ayl.admin.waiting import STATES

if TYPE_CHECKING:
    from collections.abc import Collection, Generator, Mapping

    from ayl.admin.server import Server


class NowhereToMove(RequestRefused):
    """The tube that jobs are to move to is the one that they are in."""

    def __init__(self, tube: str) -> None:
        super().__init__(f"the jobs of {tube!r} are there already: name another tube, or another server")


@dataclass(frozen=True, slots=True)
class Transfer:
    """What has moved so far. Each job is a new one for the server: its id, age and counters begin anew."""

    tube: str
    server: str
    to_tube: str
    to_server: str
    dry_run: bool
    """Nothing has moved: `moved` says how many would."""
    moved: Mapping[str, int]
    """By the state that they were in and are in."""
    stayed: Mapping[str, int] = field(default_factory=dict)
    """Why jobs are left that were to move, and how many."""
    left: Mapping[str, int] | None = None
    """What is in the tube afterwards, by state; None before that is known."""
    twice: int = 0
    """Jobs that a worker has taken, and another one their copy, before one of the two could be deleted."""
    stopped: str = ""
    """Why some may be left that were not looked at."""


def transfer(
    server: Server, tube: str, to_tube: str, *, states: Collection[str] = STATES, to: Server | None = None
) -> Generator[Transfer, None, None]:
    """Move the jobs that wait in these states, and tell now and then how many have moved so far: see `moves`.

    NowhereToMove if that is the same tube; NoSuchTube, NotATubeName.
    """
    planned = plan_transfer(server, tube, to_tube, states=states, to=to)
    so_far = replace(planned, dry_run=False, moved=dict.fromkeys(planned.moved, 0))
    with closing(moves(server, tube, unchanged(to_tube), states=states, to=to)) as steps:
        for done in steps:
            yield replace(
                so_far,
                moved={**so_far.moved, **done.moved},
                stayed=done.stayed,
                twice=done.twice,
                stopped=done.stopped,
            )


def plan_transfer(
    server: Server, tube: str, to_tube: str, *, states: Collection[str] = STATES, to: Server | None = None
) -> Transfer:
    """What would move."""
    checked(to_tube)
    found = tube_statistics(server, tube)
    if tube == to_tube and _same(server, to or server):
        raise NowhereToMove(tube)
    would = {state: getattr(found.jobs, state) for state in STATES if state in states}
    return Transfer(tube, str(server), to_tube, str(to or server), dry_run=True, moved=would)


def with_rest(server: Server, done: Transfer) -> Transfer:
    """The same, with what is left in the tube now."""
    with conversation(server) as client:
        found = look(client, done.tube)
    return replace(done, left={state: getattr(found.jobs, state) if found else 0 for state in jobs.STATES})


def _same(one: Server, other: Server) -> bool:
    """A server may have many names."""
    return one == other or statistics(one).reported["id"] == statistics(other).reported["id"]
