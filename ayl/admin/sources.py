"""The jobs that wait in a tube, taken up so that each can be put elsewhere.

Ready ones are reserved, a portion at a time. Delayed and buried ones, and those of a paused tube, are looked at where
they are: had they been reserved by somebody who then dies, they would be ready, and run too early, or at all.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from ayl.admin.conversation import blamed, conversation, there
from ayl.admin.errors import RequestRefused
from ayl.admin.foresight import Foresight, in_line
from ayl.admin.leases import Leases
from ayl.admin.statistics import existing, look
from ayl.admin.waiting import FIRST_PORTION, Room, around, in_portions, peek, sighted, with_bodies

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ayl.admin.conversation import Conversation, Question, Reply
    from ayl.admin.server import Server
    from ayl.admin.waiting import Waiting

AT_ONCE = 100
"""Jobs that nobody holds and that are moved at once: as many are there twice at most, if somebody dies."""

DENSE = 16
"""One of so many ids has to be one of the tube's, or fewer ids are looked at for the next jobs."""


class OutOfSight(RequestRefused):
    """Those that stay hide others, whose ids are far from theirs."""

    def __init__(self, jobs: int, state: str) -> None:
        super().__init__(f"{jobs:,} {state} jobs are behind others that have to stay, and were not found")


class Source:
    """The tube that jobs are taken from, with a connection of its own: see `source`."""

    def __init__(self, client: Conversation, server: Server, tube: str) -> None:
        self._client = client
        self._server = server
        self._tube = tube
        self.leases = Leases(client, server)
        self._holds = False  # what is passed over now
        self._passed: dict[int, str] = {}  # the jobs that stay, and their states
        self._room = Room(AT_ONCE)
        self._span = FIRST_PORTION
        self._foresight: Foresight | None = None  # of the state that is passed over in its order
        self._peek: Question = peek("buried")
        self._front: Reply | None = None  # what this says, if it has been asked already
        self.out_of_line: tuple[list[int], list[int]] = [], []
        """Of what is `gone`: those that stood in another order than they went in, in theirs; and those that went before
        one that is still there. Both empty if all is well.
        """
        name = tube.encode("ascii")
        turn = [(b"use %b\r\n" % name, b"USING", False), (b"watch %b\r\n" % name, b"WATCHING", False)]
        if tube != "default":
            turn.append((b"ignore default\r\n", b"WATCHING", False))
        client.exchange(*turn)

    def portions(self, state: str) -> Iterator[list[Waiting]]:
        """The jobs of a state, as many as there are now. Each of a portion is to `stay`, or to be `gone`, before the
        next portion is asked for. One may be empty.
        """
        with blamed(self._server):
            found = existing(self._client, self._server, self._tube)
        left: int = getattr(found.jobs, state)
        self._holds, self._foresight = state == "ready" and not found.pause_time_left, None
        return self.leases.portions(left, self._passed) if self._holds else self._unheld(state, left)

    def stay(self, job: int, state: str) -> None:
        """It is to remain in the tube as it is, in this state: pass over it."""
        self._passed[job] = state

    def still(self, jobs: Sequence[Waiting]) -> list[Waiting]:
        """Those that may be put elsewhere, as far as it is known here."""
        return self.leases.still(jobs) if self._holds else [*jobs]

    def gone(self, jobs: Sequence[Waiting]) -> list[bool]:
        """Delete these; False for each that somebody else has taken or deleted before."""
        self.out_of_line = [], []
        self.leases.end(jobs)
        if self._foresight is not None and jobs:
            return self._gone_in_line(jobs, self._foresight)
        with blamed(self._server):
            answers = self._client.ask((b"delete %d\r\n" % job.id for job in jobs), b"DELETED")
            return [there(answer) is not None for answer in answers]

    def _unheld(self, state: str, left: int) -> Iterator[list[Waiting]]:
        """Those that the server shows as the first, with those near them, until one is to stay. Then those near that.

        OutOfSight.
        """
        self._peek, self._front, self._span = peek(state), None, FIRST_PORTION
        # The soonest comes first whatever is behind it; but to be buried, or ready, is to stand in line.
        self._foresight = None if state == "delayed" else Foresight()
        while left > 0 and (front := self._first()) is not None:
            if int(front.words[0]) in self._passed:
                yield from self._behind(int(front.words[0]), state, left)
                return
            with blamed(self._server):
                jobs = self._next(front, state, self._foresight) if self._foresight else self._near(front, state)
            yield jobs
            left -= len(jobs)

    def _first(self) -> Reply | None:
        with blamed(self._server):
            found, self._front = self._front or there(self._client.exchange(self._peek)[0]), None
            return found

    def _near(self, front: Reply, state: str) -> list[Waiting]:
        """All in the same row of ids, the soonest first."""
        row = int(front.words[0]) // self._span
        found = self._sighted(state, range(max(1, row * self._span), (row + 1) * self._span))
        portion = with_bodies(self._client, sorted(found, key=lambda job: job.delay)[: self._room.jobs])
        self._room.learn(portion)
        self._span = max(FIRST_PORTION, min(self._room.jobs, DENSE * len(found)))
        return portion

    def _next(self, front: Reply, state: str, foresight: Foresight) -> list[Waiting]:
        """The first, and as many of those that are foretold as are to be trusted."""
        number = int(front.words[0])
        if not foresight.line or foresight.line[0].id != number:
            found = self._sighted(state, range(number, number + foresight.reach))
            foresight.line = sorted(found, key=lambda job: (job.priority if state == "ready" else 0, job.id))
        portion = foresight.line[: min(foresight.jobs, self._room.jobs)]
        if [job.id for job in portion] == [number]:
            return [replace(portion[0], body=front.body)]
        whole = with_bodies(self._client, portion)
        self._room.learn(whole)
        return whole

    def _behind(self, front: int, state: str, left: int) -> Iterator[list[Waiting]]:
        """Those near this one, which stays."""
        self._foresight = None
        left = min(left, self._hidden(state))
        if left <= 0:
            return
        with blamed(self._server):
            for found in around(self._client, self._tube, (state,), front):
                for portion in in_portions(self._client, self._fresh(found), self._room):
                    yield portion
                    left -= len(portion)
                if left <= 0:
                    return
        if (hidden := self._hidden(state)) > 0:
            raise OutOfSight(hidden, state)

    def _hidden(self, state: str) -> int:
        """How many there are but for those that stay."""
        with blamed(self._server):
            found = look(self._client, self._tube)
        return getattr(found.jobs, state) - [*self._passed.values()].count(state) if found else 0

    def _sighted(self, state: str, ids: Iterable[int]) -> list[Waiting]:
        return self._fresh(sighted(self._client, self._tube, (state,), ids))

    def _fresh(self, jobs: Sequence[Waiting]) -> list[Waiting]:
        return [job for job in jobs if job.id not in self._passed]

    def _gone_in_line(self, jobs: Sequence[Waiting], foresight: Foresight) -> list[bool]:
        """The same, and between any two of them the server tells which is the first now."""
        ids = [job.id for job in jobs]
        first = foresight.line[0].id
        with blamed(self._server):
            questions = [((b"delete %d\r\n" % number, b"DELETED", False), self._peek) for number in ids]
            answers = self._client.exchange(*(question for both in questions for question in both))
            shown = [there(answer) for answer in answers[1::2]]
            deleted = [there(answer) is not None for answer in answers[::2]]
        self._front = shown[-1]
        fronts = [int(front.words[0]) if front else 0 for front in shown]
        foresight.learn(ids, fronts)
        stood, before = in_line(first, ids, fronts)
        self.out_of_line = [] if stood == ids[: len(stood)] else stood, [] if fronts[-1] in self._passed else before
        return deleted


@contextmanager
def source(server: Server, tube: str) -> Iterator[Source]:
    """The waiting jobs of a tube; NoSuchTube if there is none. What is still held in the end is given back."""
    with conversation(server) as client:
        existing(client, server, tube)  # before this very connection makes it exist
        found = Source(client, server, tube)
        try:
            yield found
        finally:
            if not client.in_use:  # otherwise nobody knows which answer would belong to what; the server gives back
                found.leases.give_back()
