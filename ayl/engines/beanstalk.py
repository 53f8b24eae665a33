"""The engine that speaks to a beanstalkd-compatible server."""

import os
import selectors
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

import greenstalk

from ayl import notifications
from ayl.engines.base import Receipt, Submission
from ayl.engines.client import TROUBLE, Address, Client, parse_url, unreachable
from ayl.errors import NotSubmitted, Refused, RefusedForNow, Unreachable
from ayl.handle import State

T = TypeVar("T")

PIPELINED = 200
"""Puts in one write. Their answers, some 20 bytes each, must fit into the socket's buffers."""

WORDS: dict[type[greenstalk.Error], str] = {
    greenstalk.JobTooBigError: "the message is larger than the server allows (its option -z)",
    greenstalk.DrainingError: "the server is draining: it takes no new jobs",
    greenstalk.OutOfMemoryError: "the server is out of memory",
    greenstalk.InternalError: "the server reports an internal error of its own",
}

PASSING = (greenstalk.DrainingError, greenstalk.OutOfMemoryError)
"""Refusals of a server that would take the same message at another time."""


class BeanstalkEngine:
    """Submits over one connection per thread and process."""

    def __init__(self, url: str, timeout: float) -> None:
        self.url = url
        self.address = parse_url(url)
        self.timeout = timeout
        self._local = threading.local()

    def submit(self, submissions: Sequence[Submission]) -> list[Receipt | NotSubmitted]:
        outcomes: list[Receipt | NotSubmitted] = []
        for start in range(0, len(submissions), PIPELINED):
            answers: list[int | greenstalk.Error] = []
            try:
                self._put(submissions[start : start + PIPELINED], answers)
            except Unreachable as error:
                outcomes += map(_outcome, answers)
                notifications.outage(self.url, str(error), submissions[len(outcomes) :])
                return outcomes + [error] * (len(submissions) - len(outcomes))
            outcomes += map(_outcome, answers)
        notifications.answered(self.url)
        return outcomes

    def withdraw(self, receipt: Receipt, message_id: str) -> bool:
        return self._ask(lambda client: client.settle(b"delete %d" % (receipt.job_id or 0), b"DELETED"))

    def job_state(self, receipt: Receipt) -> str | None:
        return self._ask(lambda client: client.state(receipt.job_id or 0))

    def close(self) -> None:
        self._drop()

    def _ask(self, question: Callable[[Client], T]) -> T:
        while True:
            client, fresh = self._client()
            try:
                return question(client)
            except TROUBLE as error:
                self._drop()
                if fresh or isinstance(error, TimeoutError):
                    raise unreachable(self.address, error) from None

    def _put(self, submissions: Sequence[Submission], answers: list[int | greenstalk.Error]) -> None:
        """Put them all; Unreachable when no server answers. `answers` holds what was answered in either case."""
        while True:
            client, fresh = self._client()
            try:
                return client.put_many(submissions[len(answers) :], answers)
            except TROUBLE as error:
                self._drop()
                # A kept connection breaks when the server was restarted meanwhile; one new one is tried. What the
                # server had taken without an answer is then put twice, under the same message id: never lost.
                if fresh or isinstance(error, TimeoutError):
                    raise unreachable(self.address, error) from None

    def _client(self) -> tuple[Client, bool]:
        """This thread's connection and whether it is new. A forked child must not share its parent's."""
        local = self._local
        if getattr(local, "pid", None) == os.getpid():
            return local.client, False
        client = Client(self.address, self.timeout)
        local.client, local.pid = client, os.getpid()
        return client, True

    def _drop(self) -> None:
        client: Client | None = getattr(self._local, "client", None)
        if client is not None:
            self._local.pid = None
            self._local.client = None
            client.close()


def _outcome(answer: int | greenstalk.Error) -> Receipt | NotSubmitted:
    if isinstance(answer, int):
        return Receipt(State.SUBMITTED, answer)
    if isinstance(answer, greenstalk.BuriedError):
        return Refused(f"the server had no room to queue the message and buried it as job {answer.id}")
    return (RefusedForNow if isinstance(answer, PASSING) else Refused)(WORDS[type(answer)])


class BeanstalkLease:
    """A reserved job. What goes wrong with the connection comes out as Unreachable."""

    __slots__ = ("_source", "_statistics", "body", "job_id")

    def __init__(self, source: "BeanstalkSource", job_id: int, body: bytes) -> None:
        self._source = source
        self.job_id = job_id
        self.body = body
        self._statistics: greenstalk.StatsJob | None = None

    def reserves(self) -> int:
        statistics = self._look()
        return 0 if statistics is None else int(statistics["reserves"])

    def tube(self) -> str:
        statistics = self._look()
        return "" if statistics is None else str(statistics["tube"])

    def age(self) -> int:
        statistics = self._look()
        return 0 if statistics is None else int(statistics["age"])

    def delete(self, *, then_take: bool = False) -> bool:
        return self._source.settle(b"delete %d" % self.job_id, b"DELETED", then_take=then_take)

    def release(self, delay: int) -> bool:
        statistics = self._look()
        return statistics is not None and self._source.settle(
            b"release %d %d %d" % (self.job_id, statistics["pri"], delay), b"RELEASED"
        )

    def bury(self) -> bool:
        statistics = self._look()
        return statistics is not None and self._source.settle(
            b"bury %d %d" % (self.job_id, statistics["pri"]), b"BURIED"
        )

    def _look(self) -> greenstalk.StatsJob | None:
        """The job's statistics: a release or bury that keeps the priority must name it. None if the job is gone."""
        if self._statistics is None:
            self._statistics = self._source.statistics(self.job_id)
        return self._statistics


class BeanstalkSource:
    """Reserves from tubes over a connection of its own.

    Waiting is done with a selector on the socket and on a wake-up descriptor; greenstalk reads only what has
    begun to arrive, because a signal cannot interrupt its reads.
    """

    def __init__(self, url: str, tubes: Sequence[str], timeout: float, wake_up: int) -> None:
        self.address: Address = parse_url(url)
        self.tubes = tuple(tubes)
        self.timeout = timeout
        self.wake_up = wake_up
        self._client: Client | None = None
        self._selector: selectors.BaseSelector | None = None
        self._asked = False  # a reserve is under way

    def take(self) -> BeanstalkLease | None:
        with self._trouble():
            client, selector = self._connected()
            while True:
                if not self._asked:
                    client.begin_reserve()
                    self._asked = True
                if not client.has_answer and any(key.fd == self.wake_up for key, _ in selector.select()):
                    # The reserve stands unanswered on the connection; only closing it withdraws it. A job that
                    # was just being handed over goes back by the same.
                    self.close()
                    return None
                self._asked = False
                try:
                    return BeanstalkLease(self, *client.finish_reserve())
                except (greenstalk.DeadlineSoonError, greenstalk.TimedOutError):
                    continue

    def settle(self, command: bytes, expected: bytes, *, then_take: bool = False) -> bool:
        """End a lease of this connection; False if it was lost. `then_take` asks for the next job in the same write."""
        with self._trouble():
            client, _ = self._connected()
            self._asked = then_take
            return client.settle(command, expected, then_reserve=then_take)

    def statistics(self, job_id: int) -> greenstalk.StatsJob | None:
        """What the server knows of a job; None if it is gone."""
        with self._trouble():
            client, _ = self._connected()
            try:
                return client.stats_job(job_id)
            except greenstalk.NotFoundError:
                return None

    def close(self) -> None:
        self._asked = False
        if self._selector is not None:
            self._selector.close()
            self._selector = None
        if self._client is not None:
            self._client.close()
            self._client = None

    @contextmanager
    def _trouble(self) -> Iterator[None]:
        """Whatever goes wrong here leaves no connection behind: nobody would know what its next answer answers."""
        try:
            yield
        except TROUBLE as error:
            self.close()
            raise error if isinstance(error, Unreachable) else unreachable(self.address, error) from error

    def _connected(self) -> tuple[Client, selectors.BaseSelector]:
        if self._client is None or self._selector is None:
            self._client = Client(self.address, self.timeout)
            for tube in self.tubes:
                self._client.watch(tube)
            if greenstalk.DEFAULT_TUBE not in self.tubes:
                self._client.ignore(greenstalk.DEFAULT_TUBE)
            self._selector = selectors.DefaultSelector()
            self._selector.register(self._client, selectors.EVENT_READ)
            self._selector.register(self.wake_up, selectors.EVENT_READ)
        return self._client, self._selector
