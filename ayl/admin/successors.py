"""Jobs that are put in the place of others, which are deleted when these are safe."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, TypeAlias

import greenstalk

from ayl.admin.conversation import Reply, blamed, conversation, there
from ayl.engines.client import PUT, WORDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ayl.admin.conversation import Answer, Conversation, Question
    from ayl.admin.server import Server

FOREVER = 2**32 - 1
"""Seconds for which a job is delayed that is to be buried: nobody takes it meanwhile, nor ever if we die."""

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

    def put(self, successors: Sequence[Successor]) -> list[Put]:
        """What became of each, in their order. Those to be buried are, one behind the other."""
        with blamed(self._server):
            puts = [put for tube, some in groupby(successors, lambda one: one.tube) for put in self._put(tube, [*some])]
            buried = {
                place: (put, one.priority)
                for place, (put, one) in enumerate(zip(puts, successors, strict=True))
                if one.buried and isinstance(put, int)
            }
            for place in self._unburied(buried) if buried else ():
                puts[place] = Refusal(NO_BURIAL, final=False)
        return puts

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
        return [_outcome(answer) for answer in answers]

    def _unburied(self, jobs: Mapping[int, tuple[int, int]]) -> list[int]:
        """Bury these (id, priority) in their order; the keys of those that could not be, which are gone again."""
        questions: list[Question] = []
        for job, priority in jobs.values():
            questions.append((b"reserve-job %d\r\n" % job, b"RESERVED", True))
            questions.append((b"bury %d %d\r\n" % (job, priority), b"BURIED", False))
        burials = self._client.exchange(*questions)[1::2]
        failed = [key for key, answer in zip(jobs, burials, strict=True) if not isinstance(answer, Reply)]
        self.withdraw([jobs[key][0] for key in failed])
        return failed


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
