"""Jobs are looked for by what is in them, without disturbing any: a server shows each job to who knows its id."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from ayl.admin import bodies, jobs
from ayl.admin.conversation import MOST_AT_ONCE, checked_pattern, conversation, there
from ayl.admin.facts import server_statistics
from ayl.admin.peeks import PEEKED
from ayl.admin.statistics import chosen, existing
from ayl.tubes import is_wild

if TYPE_CHECKING:
    from collections.abc import Generator

    from ayl.admin.conversation import Conversation
    from ayl.admin.server import Server

GAP = 2000
"""Ids behind the newest that is known, of which none is there: then there are no newer ones, either."""

MOST_SEEDS = 1000
"""Tubes whose first jobs are looked at to find the newest id."""


@dataclass(frozen=True)
class Wanted:
    """What a job has to have: all that is given."""

    text: str = ""
    """Somewhere in its body or its call."""
    call: str = ""
    """The same for its call alone, where `*` is any text."""
    message: str = ""
    """Its message's id."""
    tube: str = ""
    """Or a pattern of tubes."""
    states: tuple[str, ...] = jobs.STATES

    def is_in(self, body: bytes) -> bool:
        """Whether a job with this body may be it."""
        if self.message and self.message.encode() not in body:
            return False
        found = bodies.read(body)
        return (
            (not self.text or self.text in found.text or self.text in found.call)
            and (not self.call or self._pattern.search(found.call) is not None)
            and (not self.message or self.message == found.message)
        )

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile(".*".join(map(re.escape, self.call.split("*"))))


@dataclass(frozen=True, slots=True)
class Search:
    """What was found so far."""

    found: list[jobs.Job] = field(default_factory=list)
    looked_at: int = 0
    """Jobs, of whatever tube."""
    there: int = 0
    """Jobs that the server had in the beginning."""
    newest: int = 0
    """The largest id that was looked at."""
    oldest: int = 0
    """The smallest that was asked for."""
    enough: bool = False
    """It ended because so many were found."""


def search(
    server: Server, wanted: Wanted, *, newest: int = 0, last: int = 100_000, most: int = 100
) -> Generator[Search, None, None]:
    """Look at the jobs with the `last` ids up to `newest`, beginning there, and tell now and then what was found.

    Ids are given in order, whatever the tube; the newest is found out if it is not given. It ends when `most` are
    found, or as soon as all were looked at that the server has. NoSuchTube for a tube or pattern without one.
    """
    if wanted.tube:
        checked_pattern(wanted.tube)
    with conversation(server) as client:
        tubes = chosen(client, server, wanted.tube) if wanted.tube else client.tubes()
        if wanted.tube and not is_wild(wanted.tube):
            existing(client, server, wanted.tube)
        counts = server_statistics(client.stats()).jobs
        start = newest or _newest_known(client, tubes)
        looking = _Looking(client, wanted, frozenset(tubes), most)
        looking.there = sum(getattr(counts, state) for state in jobs.STATES)
        looking.newest, looking.oldest = start, start + 1
        yield looking.so_far()
        empty, first = 0, start + 1
        while not newest and empty < GAP and not looking.is_over:
            empty = 0 if looking.look(range(first, first + MOST_AT_ONCE)) else empty + MOST_AT_ONCE
            first += MOST_AT_ONCE
            yield looking.so_far()
        lowest = max(1, start - last + 1)
        for first in range(start, lowest - 1, -MOST_AT_ONCE):
            if looking.is_over:
                return
            looking.look(range(first, max(lowest, first - MOST_AT_ONCE + 1) - 1, -1))
            yield looking.so_far()


class _Looking:
    """What was found so far."""

    def __init__(self, client: Conversation, wanted: Wanted, tubes: frozenset[str], most: int) -> None:
        self._client = client
        self._wanted = wanted
        self._tubes = tubes if wanted.tube else None
        self._most = most
        self._found: list[jobs.Job] = []
        self._looked_at = 0
        self.there = 0
        self.newest = 0
        self.oldest = 0

    @property
    def is_over(self) -> bool:
        return len(self._found) >= self._most or self._looked_at >= self.there

    def so_far(self) -> Search:
        return Search(
            [*self._found],
            self._looked_at,
            self.there,
            self.newest,
            self.oldest,
            enough=len(self._found) >= self._most,
        )

    def look(self, ids: range) -> int:
        """How many jobs there were."""
        before = self._looked_at
        candidates: dict[int, bytes] = {}
        for answer in self._client.ask((b"peek %d\r\n" % number for number in ids), b"FOUND", body=True):
            if (reply := there(answer)) is not None:
                self._looked_at += 1
                self.newest = max(self.newest, int(reply.words[0]))
                if self._wanted.is_in(reply.body):
                    candidates[int(reply.words[0])] = reply.body
        reports = self._client.reports(b"stats-job %d\r\n" % number for number in candidates)
        for body, told in zip(candidates.values(), reports, strict=True):
            if (report := there(told)) is None:
                continue
            job = jobs.read(report, body)
            if job.state in self._wanted.states and (self._tubes is None or job.tube in self._tubes):
                self._found.append(job)
        del self._found[self._most :]
        self.oldest = min(self.oldest, *ids)
        return self._looked_at - before


def _newest_known(client: Conversation, tubes: list[str]) -> int:
    """The largest id that is easily known. A server counts no jobs that it found in its binlog when it started."""
    known = server_statistics(client.stats()).jobs.total
    peeks = [(b"peek-%b\r\n" % state.encode(), b"FOUND", True) for state in PEEKED]
    for tube in tubes[:MOST_SEEDS]:
        _, *answers = client.exchange((b"use %b\r\n" % tube.encode("ascii"), b"USING", False), *peeks)
        known = max(known, *(int(reply.words[0]) for answer in answers if (reply := there(answer))), 0)
    return known
