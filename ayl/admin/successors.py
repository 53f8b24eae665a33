"""Jobs that are put in the place of others, which are deleted when these are safe."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, TypeAlias

import greenstalk

from ayl.admin.conversation import Reply, blamed, conversation, there
from ayl.admin.waiting import FOREVER, sighted
from ayl.engines.client import PUT, WORDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ayl.admin.conversation import Answer, Conversation, Question
    from ayl.admin.server import Server

LOOK_BACK = 10_000
"""Ids that are looked at for jobs which somebody was burying and has died."""

FULL = (greenstalk.DrainingError, greenstalk.OutOfMemoryError, greenstalk.InternalError, greenstalk.BuriedError)
"""Answers to a put after which others would be refused, too."""

NO_BURIAL = "the server could not bury it (beanstalkd 1.12 can)"


@dataclass(frozen=True, slots=True)
class Successor:
    """A job that is to be put in the place of another."""

    tube: str
    body: bytes
    priority: int
    delay: int
    """Seconds."""
    time_to_run: int
    """Seconds."""
    buried: bool = False
    label: str = ""
    """Under which it is counted."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why one was not put."""

    why: str
    final: bool
    """The others would be refused, too."""


Put: TypeAlias = "int | Refusal"
"""The new job's id, or why there is none."""


class Target:
    """Where successors are put, with a connection of its own: see `target`."""

    def __init__(self, client: Conversation, server: Server) -> None:
        self._client = client
        self._server = server
        self._late: list[tuple[int, int]] = []
        self._first = 0  # of the jobs that were put
        self._finished: set[str] = set()

    def put(self, successors: Sequence[Successor]) -> list[Put]:
        """What became of each, in their order. Those to be buried are, one behind the other."""
        with blamed(self._server):
            puts = [put for tube, some in groupby(successors, lambda one: one.tube) for put in self._put(tube, [*some])]
            buried = [
                (put, one.priority)
                for put, one in zip(puts, successors, strict=True)
                if one.buried and isinstance(put, int)
            ]
            for tube in {one.tube for one in successors if one.buried} - self._finished:
                self._finish(tube)
            failed = self._bury(buried)
            self.withdraw([*failed])
            return [Refusal(NO_BURIAL, final=False) if put in failed else put for put in puts]

    def line_up(self, now: Sequence[tuple[int, int]], later: Sequence[tuple[int, int]]) -> None:
        """Bury these (id, priority) once more, in this order; and others behind the next that will be."""
        with blamed(self._server):
            self._bury(now)
        self._late = [*later]

    def withdraw(self, jobs: Sequence[int]) -> int:
        """Delete these again. How many somebody else has taken already."""
        with blamed(self._server):
            answers = self._client.ask((b"delete %d\r\n" % job for job in jobs), b"DELETED")
            return sum(there(answer) is None for answer in answers)

    def _put(self, tube: str, successors: Sequence[Successor]) -> list[Put]:
        self._client.use(tube)
        commands = (
            PUT % (one.priority, FOREVER if one.buried else one.delay, one.time_to_run, len(one.body), one.body)
            for one in successors
        )
        answers = [*self._client.ask(commands, b"INSERTED")]
        for answer in answers:
            if isinstance(answer, greenstalk.BuriedError) and answer.id is not None:
                self.withdraw([answer.id])  # there was no room to queue it
        puts = [_outcome(answer) for answer in answers]
        self._first = self._first or next((put for put in puts if isinstance(put, int)), 0)
        return puts

    def _finish(self, tube: str) -> None:
        """Bury what somebody was burying there who has died: it was put shortly before."""
        self._finished.add(tube)
        ids = range(max(1, self._first - LOOK_BACK), self._first)
        parked = [job for job in sighted(self._client, tube, ("delayed",), ids) if job.is_buried]
        self._bury([(job.id, job.priority) for job in parked])

    def _bury(self, jobs: Sequence[tuple[int, int]]) -> set[int]:
        """These (id, priority), one behind the other, and those that are late behind them. Those that could not be."""
        if not jobs:
            return set()
        late, self._late = self._late, []
        questions: list[Question] = []
        for job, priority in (*jobs, *late):
            questions.append((b"reserve-job %d\r\n" % job, b"RESERVED", True))
            questions.append((b"bury %d %d\r\n" % (job, priority), b"BURIED", False))
        burials = self._client.exchange(*questions)[1::2]
        return {job for (job, _), answer in zip(jobs, burials, strict=False) if not isinstance(answer, Reply)}


@contextmanager
def target(server: Server) -> Iterator[Target]:
    """Where successors are put."""
    with conversation(server) as client:
        yield Target(client, server)


def _outcome(answer: Answer) -> Put:
    if isinstance(answer, Reply):
        return int(answer.words[0])
    if type(answer) not in WORDS:
        raise answer
    return Refusal(WORDS[type(answer)], isinstance(answer, FULL))
