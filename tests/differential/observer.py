"""What the observer asks: a client of both servers that only looks, until the harvest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .commands import Command, about, bare, kick, named, pause_tube, reserve_with_timeout
from .view import GONE, View

if TYPE_CHECKING:
    from collections.abc import Sequence

OBSERVER = "observer"

LATEST_JOBS, LATEST_GONE = 60, 5
"""How many jobs a probe asks about."""


def probe(view: View, tubes: Sequence[bytes]) -> list[Command]:
    """Every report that there is, but for jobs of long ago."""
    living = [number for number, job in view.jobs.items() if job.state != GONE]
    gone = [number for number, job in view.jobs.items() if job.state == GONE]
    return [
        *map(bare, ("stats", "list-tubes", "list-tubes-watched", "list-tube-used")),
        *(named("stats-tube", tube) for tube in tubes),
        *(about("stats-job", number) for number in living[-LATEST_JOBS:] + gone[-LATEST_GONE:]),
    ]


def harvest(view: View, tubes: Sequence[bytes]) -> list[Command]:
    """In which order the jobs lie, and what they are; nobody else is there any more."""
    count = len(view.jobs)
    commands = []
    for tube in tubes:
        look = [bare("peek-buried"), bare("peek-delayed"), kick(b"1")]
        commands += [named("watch", tube), named("use", tube), pause_tube(tube, 0), *look * count]
    commands += [reserve_with_timeout(0)] * (count + 1)
    commands += probe(view, tubes)
    return commands + [about("delete", number) for number in view.jobs] + probe(view, tubes)
