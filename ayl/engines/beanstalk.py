"""The engine that speaks to beanstalkd-compatible servers."""

import random
from collections.abc import Callable, Sequence
from itertools import count
from time import monotonic
from typing import TypeVar

import greenstalk

from ayl import message as messages
from ayl.engines.addresses import Servers
from ayl.engines.client import WORDS, Client
from ayl.engines.dialing import dialer
from ayl.engines.link import LEAST_PATIENCE, Link, renewed
from ayl.engines.submissions import Receipt, Submission
from ayl.errors import NotSubmitted, Refused, RefusedForNow, Undecodable, Unreachable
from ayl.handle import State

T = TypeVar("T")

SUBMITTED = State.SUBMITTED

PIPELINED = 200
"""Puts in one write. Their answers, some 20 bytes each, must fit into the socket's buffers."""

PASSING = (greenstalk.DrainingError, greenstalk.OutOfMemoryError)
"""Refusals of a server that would take the same message at another time."""


class BeanstalkEngine:
    """Submits to the first server that answers, or to all in turn; over a connection per server, thread and process."""

    def __init__(self, servers: Servers, patience: float, probe_interval: float) -> None:
        """`patience`: seconds that a send may cost in all when servers do not answer. `probe_interval`: seconds for
        which a server is then left alone.
        """
        dial = dialer(servers)
        self._patience = patience
        self._links = [Link(address, dial, patience, probe_interval) for address in servers.addresses]
        self._only = self._links[0] if len(self._links) == 1 else None
        self._turn = count(random.randrange(len(self._links))) if servers.spread else None  # noqa: S311 - no secret

    def submit(self, submissions: Sequence[Submission]) -> Sequence[Receipt | NotSubmitted]:
        # The way of most calls: one, to the only server there is.
        if len(submissions) == 1 and (only := self._only) is not None:
            try:
                answer = only.use(Client.put_one, self._patience, submissions[0])
            except Unreachable as error:
                return (error,)
            return (Receipt(SUBMITTED, answer, only.place) if type(answer) is int else _outcome(answer, only.place),)
        outcomes: list[Receipt | NotSubmitted] = []
        for start in range(0, len(submissions), PIPELINED):
            outcomes += self._put(submissions[start : start + PIPELINED])
            if isinstance(outcomes[-1], Unreachable):
                return outcomes + [outcomes[-1]] * (len(submissions) - len(outcomes))
        return outcomes

    def withdraw(self, receipt: Receipt, message_id: str) -> bool:
        job_id = receipt.job_id or 0
        return self._ask(
            receipt,
            lambda client: _is_there(client, job_id, message_id) and client.settle(b"delete %d" % job_id, b"DELETED"),
        )

    def job_state(self, receipt: Receipt, message_id: str) -> str | None:
        job_id = receipt.job_id or 0
        return self._ask(
            receipt, lambda client: client.state(job_id) if _is_there(client, job_id, message_id) else None
        )

    def close(self) -> None:
        for link in self._links:
            link.drop()

    def _ask(self, receipt: Receipt, question: Callable[[Client], T]) -> T:
        """Of the server that took the message: a job's id means another job everywhere else."""
        (link,) = (link for link in self._links if link.place == receipt.place)
        return link.use(question, self._patience)

    def _put(self, submissions: Sequence[Submission]) -> list[Receipt | NotSubmitted]:
        """Put them all: to the first server that answers, and to the next what that one refuses for now only.

        What a server had taken without an answer is then put twice, under the same message id: never lost.
        """
        links, patience = self._links, self._patience
        if self._turn is not None:
            first = next(self._turn) % len(links)
            links = links[first:] + links[:first]
        deadline = 0.0
        errors: list[Unreachable] = []
        outcomes: list[Receipt | NotSubmitted | None] = [None] * len(submissions)
        left = [*range(len(submissions))]
        for number, link in enumerate(links):
            if number < len(links) - 1 or errors:  # several: a dead one must leave time for those behind it
                deadline = renewed(deadline, self._patience)
                hopeful = sum(not other.is_left_alone() for other in links[number:])
                patience = max(LEAST_PATIENCE, (deadline - monotonic()) / max(1, hopeful))
            answers: list[int | greenstalk.Error] = []
            try:
                link.use(_put_rest, patience, [submissions[index] for index in left], answers)
            except Unreachable as error:
                errors.append(error)
            for index, answer in zip(left, answers, strict=False):
                outcomes[index] = _outcome(answer, link.place)
            left = [index for index in left if isinstance(outcomes[index], RefusedForNow | None)]
            if not left:
                break
        silence = _together(errors)
        return [silence if outcome is None else outcome for outcome in outcomes]


def _is_there(client: Client, job_id: int, message_id: str) -> bool:
    """Whether that job is this message: a server that kept nothing over a restart has given its id to another one."""
    try:
        message = messages.decode(client.peek(job_id).body)
    except (greenstalk.NotFoundError, Undecodable):
        return False
    return isinstance(message, messages.Message) and message.id == message_id


def _put_rest(client: Client, submissions: Sequence[Submission], answers: list[int | greenstalk.Error]) -> None:
    """Those that have no answer yet, for after a broken connection the question is asked again."""
    client.put_many(submissions[len(answers) :] if answers else submissions, answers)


def _together(errors: Sequence[Unreachable]) -> Unreachable:
    return errors[0] if len(errors) == 1 else Unreachable("no server answers: " + "; ".join(map(str, errors)))


def _outcome(answer: int | greenstalk.Error, place: str) -> Receipt | NotSubmitted:
    if isinstance(answer, int):
        return Receipt(SUBMITTED, answer, place)
    if isinstance(answer, greenstalk.BuriedError):
        return Refused(f"the server had no room to queue the message and buried it as job {answer.id}")
    return (RefusedForNow if isinstance(answer, PASSING) else Refused)(WORDS[type(answer)])
