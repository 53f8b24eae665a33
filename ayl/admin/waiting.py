"""The jobs that wait in a tube, looked at by their ids: a server shows a job to whoever knows its id, and that disturbs
none. peek shows the first of each state; the others are near it, for ids are given in order, whatever the tube.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from itertools import count
from typing import TYPE_CHECKING

from ayl.admin.conversation import MOST_AT_ONCE, conversation, there
from ayl.admin.statistics import existing

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from ayl.admin.conversation import Conversation, Question, Reply
    from ayl.admin.server import Server

STATES = ("delayed", "buried", "ready")
"""Those in which a job waits, in the order in which they are best passed over: what is delayed or buried now may be
ready a moment later.
"""

FOREVER = 2**32 - 1
"""Seconds for which a job is delayed that is just being buried: nobody is to take it, be it that we die."""

LONGEST = 2**31
"""Seconds of a delay that anybody else may mean."""

FAR = 100_000
"""Ids in a row that are none of the tube's: what is behind them is not looked for."""

FIRST_PORTION = 16
"""Jobs whose bodies are asked for at once before anything is known of their sizes."""

PORTION = 500
"""The same at most: a server looks through all that a connection holds at each delete."""

LARGEST_PORTION = 1 << 22
"""Bytes of the bodies of a portion, about."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A job that waits."""

    id: int
    state: str
    """One of STATES."""
    priority: int
    delay: int
    """Seconds until it is ready, rounded up so that no job is ever early; 0 unless it is delayed."""
    time_to_run: int
    """Seconds."""
    body: bytes = b""

    @property
    def is_buried(self) -> bool:
        """Or was to be, when somebody has died who was burying it."""
        return self.state == "buried" or self.delay > LONGEST


class Room:
    """How many jobs there is room for at once: fewer when they are large."""

    def __init__(self, most: int = PORTION) -> None:
        self.jobs = FIRST_PORTION
        self._most = most

    def learn(self, jobs: Sequence[Waiting]) -> None:
        """From their sizes."""
        if jobs:
            size = sum(len(job.body) for job in jobs) // len(jobs)
            self.jobs = max(1, min(self._most, 4 * self.jobs, LARGEST_PORTION // (size + 1)))


def looked_at(server: Server, tube: str) -> Iterator[list[Waiting]]:
    """All jobs that wait in the tube, as far as they are found by their ids, a portion at a time; an empty one now and
    then while none is found. NoSuchTube.
    """
    with conversation(server) as client:
        jobs = existing(client, server, tube).jobs
        left, seen, room = jobs.delayed + jobs.buried + jobs.ready, set[int](), Room()
        for start in _fronts(client, tube):
            for found in around(client, tube, STATES, start) if start not in seen else ():
                fresh = [job for job in found if job.id not in seen]
                seen.update(job.id for job in fresh)
                left -= len(fresh)
                yield from in_portions(client, fresh, room)
                if left <= 0:
                    return


def around(client: Conversation, tube: str, states: Collection[str], start: int) -> Iterator[list[Waiting]]:
    """The jobs with ids from this one up, and then down, without their bodies; each way until FAR ids are of none."""
    ways = (
        (range(first, first + MOST_AT_ONCE) for first in count(start, MOST_AT_ONCE)),
        (range(max(1, last - MOST_AT_ONCE), last) for last in range(start, 1, -MOST_AT_ONCE)),
    )
    for way in ways:
        empty = 0
        for ids in way:
            yield (found := sighted(client, tube, states, ids))
            empty = 0 if found else empty + MOST_AT_ONCE
            if empty >= FAR:
                break


def sighted(client: Conversation, tube: str, states: Collection[str], ids: Iterable[int]) -> list[Waiting]:
    """Those of these jobs that wait in one of the states, without their bodies."""
    asked, name, found = [*ids], tube.encode("ascii"), []
    reports = client.ask((b"stats-job %d\r\n" % number for number in asked), b"OK", body=True)
    for number, answer in zip(asked, reports, strict=True):
        if (report := there(answer)) is None:
            continue
        facts = facts_in(report)
        if (state := facts[b"state"].decode()) in states and facts[b"tube"] == name:
            delay = int(facts[b"time-left"]) + 1 if state == "delayed" else 0
            found.append(Waiting(number, state, int(facts[b"pri"]), delay, int(facts[b"ttr"])))
    return found


def in_portions(client: Conversation, jobs: Sequence[Waiting], room: Room) -> Iterator[list[Waiting]]:
    """Those that are still there, with their bodies; at least one portion, be it empty."""
    done = 0
    while done < len(jobs) or not done:
        yield (portion := with_bodies(client, jobs[done : done + room.jobs]))
        done += room.jobs
        room.learn(portion)


def with_bodies(client: Conversation, jobs: Sequence[Waiting]) -> list[Waiting]:
    """Those that are still there."""
    answers = client.ask((b"peek %d\r\n" % job.id for job in jobs), b"FOUND", body=True)
    return [
        replace(job, body=found.body)
        for job, answer in zip(jobs, answers, strict=True)
        if (found := there(answer)) is not None
    ]


_facts = re.compile(rb'\n(tube|state|pri|ttr|time-left): "?([^"\n]+)').findall


def facts_in(report: Reply) -> dict[bytes, bytes]:
    """What stats-job says of a job, as far as it is of interest here."""
    return dict(_facts(report.body))


def peek(state: str) -> Question:
    """For the first job of this state in the tube that is used."""
    return (b"peek-%b\r\n" % state.encode(), b"FOUND", True)


def _fronts(client: Conversation, tube: str) -> list[int]:
    """The ids of the first job of each state."""
    client.use(tube)
    answers = client.exchange(*map(peek, STATES))
    return [int(found.words[0]) for answer in answers if (found := there(answer)) is not None]
