"""Where a worker takes its jobs: one server, over a connection of its own."""

import selectors
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from math import ceil
from time import monotonic
from typing import Protocol, TypeVar

import greenstalk

from ayl.engines.addresses import Address
from ayl.engines.base import Lease
from ayl.engines.client import NO_JOB, TROUBLE, WORDS, Client, unreachable
from ayl.engines.dialing import Dial
from ayl.engines.lanes import taken
from ayl.engines.order import Order
from ayl.engines.submissions import Submission
from ayl.engines.watching import Watch, watching
from ayl.errors import MessageTooLarge, Refused, Unreachable
from ayl.life import Standing

T = TypeVar("T")

PARKED_SECONDS = 60
"""How long nobody takes a job that is just being buried. If its worker dies in that moment, it comes back then."""


PARTING_SECONDS = 0.05
"""For an answer that is on its way when the wait is ended."""


def renewal(timeout: float) -> int:
    """Seconds until a server says at the latest that there is no job, and is asked anew.

    It could wait for ever, but a connection that was cut off without a word looks just like one with nothing to do.
    """
    return ceil(4 * timeout)


class Holder(Protocol):
    """Who has the connection over which a job was reserved."""

    def settle(self, command: bytes, expected: bytes) -> bool:
        """End a lease of this connection, or renew it; False if it was lost."""

    def ask(self, question: Callable[[Client], T]) -> T | None:
        """What the question, asked by this connection, is answered; None if the connection is lost."""


class BeanstalkLease:
    """A reserved job. What goes wrong with the connection comes out as Unreachable."""

    __slots__ = ("_holder", "_standing", "body", "is_new", "job_id", "since", "successor")

    def __init__(
        self, holder: Holder, job_id: int, body: bytes, *, is_new: bool = False, since: float | None = None
    ) -> None:
        self._holder = holder
        self.job_id = job_id
        self.body = body
        self.is_new = is_new
        self.since = monotonic() if since is None else since
        self.successor: int | None = None
        self._standing: Standing | None = None

    def standing(self) -> Standing | None:
        if self._standing is None:
            found = self._holder.ask(lambda client: client.statistics(self.job_id))
            self._standing = None if found is None else _standing(found)
        return self._standing

    def touch(self) -> bool:
        return self._holder.settle(b"touch %d" % self.job_id, b"TOUCHED")

    def swap(self, body: bytes) -> bool:
        standing = self.standing()
        if standing is None:
            return False

        def question(client: Client) -> int | greenstalk.Error | None:
            answer = client.swap(self.job_id, _successor(standing, PARKED_SECONDS, body))
            if isinstance(answer, int):  # here: whoever gives back what is in hand asks by the same connection
                self.job_id, self.body, self.since = answer, body, monotonic()
                self._standing = None
            return answer

        return _accepted(self._holder.ask(question)) is not None

    def delete(self) -> bool:
        return self._holder.settle(b"delete %d" % self.job_id, b"DELETED")

    def release(self, delay: int, body: bytes | None = None) -> bool:
        standing = self.standing()  # a release or bury that keeps the priority must name it
        if standing is None:
            return False
        if body is not None:
            return self._replace(standing, delay, body)
        return self._holder.settle(b"release %d %d %d" % (self.job_id, standing.priority, delay), b"RELEASED")

    def bury(self, body: bytes | None = None) -> bool:
        standing = self.standing()
        if standing is None:
            return False
        if body is not None:
            return self._replace(standing, PARKED_SECONDS, body, buried=True)
        return self._holder.settle(b"bury %d %d" % (self.job_id, standing.priority), b"BURIED")

    def _replace(self, standing: Standing, delay: int, body: bytes, *, buried: bool = False) -> bool:
        successor = _successor(standing, delay, body)
        answer = self._holder.ask(lambda client: client.replace(self.job_id, successor, buried=buried))
        self.successor = _accepted(answer)
        return answer is not None


def _successor(standing: Standing, delay: int, body: bytes) -> Submission:
    return Submission(body, standing.tube, standing.priority, delay, standing.time_to_run, "", "raise")


def _accepted(answer: int | greenstalk.Error | None) -> int | None:
    """The id of the job that has taken the place of another, if there is one. Refused or MessageTooLarge."""
    if isinstance(answer, greenstalk.JobTooBigError):
        raise MessageTooLarge(WORDS[type(answer)])
    if isinstance(answer, greenstalk.Error):
        raise Refused(WORDS.get(type(answer), "the server cannot reserve a job by its id"))
    return answer


def _standing(found: greenstalk.StatsJob) -> Standing:
    return Standing(
        str(found["tube"]), found["pri"], found["ttr"], found["age"], found["reserves"], found["timeouts"],
        found["releases"], found["buries"],
    )  # fmt: skip


class BeanstalkSource:
    """Reserves from tubes over a connection of its own.

    Waiting is done with a selector on the socket and on a wake-up descriptor; greenstalk reads only what has
    begun to arrive, because a signal cannot interrupt its reads.

    `take` is for one thread; another may settle meanwhile what that one has taken.
    """

    def __init__(
        self,
        address: Address,
        dial: Dial,
        watch: Watch,
        timeout: float,
        wake_up: int,
        linked: Callable[[], object] = lambda: None,
        order: Order | None = None,
    ) -> None:
        """`timeout`: seconds for connecting and for each answer. `wake_up`: a descriptor that ends a wait. `linked` is
        called with each new connection. `order`: that of this server, if sources share it.
        """
        self._address = address
        self._dial = dial
        self._watch = watch
        self._timeout = timeout
        self._renewal = renewal(timeout)
        self._wake_up = wake_up
        self._linked = linked
        self._client: Client | None = None
        self._selector: selectors.BaseSelector | None = None
        self._asked = False  # a reserve is under way
        self._order = order or Order()
        self._owed: tuple[int, int, float] | None = None
        """How many deletes and reserves have been written whose answers nobody has read, and when."""
        self._answers: tuple[list[bool], list[Lease]] = [], []
        self._talk = threading.RLock()
        self.waited = False
        self.proved = monotonic()

    def take(self, *, wait: bool = True) -> BeanstalkLease | None:
        with self._trouble():
            client, selector = self._connected()
            self.waited = False
            while True:
                if not self._asked:
                    client.look()
                    if (turns := self._watch.turns) is not None:
                        for lease in taken(turns, 1, self._ask_lane):
                            return lease
                        if not wait:
                            return None
                    client.turn_to(None)
                    client.begin_reserve(self._renewal if wait else 0)
                    self._asked = True
                if not client.has_answer:
                    self.waited = True
                    if self._is_woken(client, selector) and not self._is_answered_yet(client):
                        # The reserve stands unanswered on the connection; only closing it withdraws it.
                        self.close()
                        return None
                self._asked = False
                try:
                    return self._lease(*client.finish_reserve())
                except NO_JOB:
                    self.proved = monotonic()
                    if not wait:
                        return None

    def delete_and_take(self, leases: Sequence[Lease], ready: int, *, wait: bool) -> tuple[list[bool], list[Lease]]:
        with self._talk, self._trouble():
            if self._client is None:
                return [False] * len(leases), []
            if self._watch.turns is not None:
                return self._settled_and_taken(self._client, leases, ready)
            if wait:
                self._client.look()
                self._client.turn_to(None)
            self._asked = wait
            self._begin(self._client, leases, ready, self._renewal if wait else 0)
            return self._answered(self._client)

    def delete_and_ask(self, leases: Sequence[Lease], ready: int) -> None:
        with self._talk, self._trouble():
            client = self._open()
            if self._watch.turns is not None:
                self._answers = self._settled_and_taken(client, leases, ready)
            else:
                self._begin(client, leases, ready, 0)

    def answered(self) -> tuple[list[bool], list[Lease]]:
        with self._talk, self._trouble():
            return self._answered(self._open())

    def _ask_lane(self, lane: int, count: int) -> list[BeanstalkLease]:
        """Up to so many jobs that are ready there."""
        with self._talk:
            if self._client is None or not self._client.turn_to(lane):
                return []
            since = monotonic()
            self._client.begin_portion((), count)
            _, came = self._client.finish_portion(0, count)
            return [self._lease(*job, since) for job in came]

    def _settled_and_taken(self, client: Client, leases: Sequence[Lease], ready: int) -> tuple[list[bool], list[Lease]]:
        """With lanes, each of which is asked in a write of its own: how many are asked of the next is known then."""
        held: list[bool] = []
        if leases:
            client.begin_portion([lease.job_id for lease in leases], 0)
            held, _ = client.finish_portion(len(leases), 0)
        return held, [] if self._watch.turns is None else [*taken(self._watch.turns, ready, self._ask_lane)]

    def settle(self, command: bytes, expected: bytes) -> bool:
        with self._talk, self._trouble():
            return self._client is not None and self._gathered(self._client).settle(command, expected)

    def ask(self, question: Callable[[Client], T]) -> T | None:
        with self._talk, self._trouble():
            return None if self._client is None else question(self._gathered(self._client))

    def close(self) -> None:
        """Leases are lost with the connection: what is settled afterwards changes nothing."""
        with self._talk:
            self._asked = False
            self._owed = None
            if self._selector is not None:
                self._selector.close()
                self._selector = None
            if self._client is not None:
                self._client.close()
                self._client = None

    def _lease(self, job_id: int, body: bytes, since: float | None = None) -> BeanstalkLease:
        lease = BeanstalkLease(self, job_id, body, is_new=self._order.is_new(job_id), since=since)
        self.proved = lease.since
        return lease

    def _begin(self, client: Client, leases: Sequence[Lease], ready: int, wait: int) -> None:
        since = monotonic()
        client.begin_portion([lease.job_id for lease in leases], ready, wait=wait)
        self._owed = len(leases), ready, since

    def _gathered(self, client: Client) -> Client:
        """The connection, with no answers under way, so that the next one is that of the next command."""
        if self._owed is not None:
            deletes, ready, since = self._owed
            self._owed = None
            held, came = client.finish_portion(deletes, ready)
            self._answers = held, [self._lease(*job, since) for job in came]
        return client

    def _answered(self, client: Client) -> tuple[list[bool], list[Lease]]:
        self._gathered(client)
        return self._answers

    def _open(self) -> Client:
        if self._client is None:  # another thread has met with trouble
            raise ConnectionResetError
        return self._client

    @contextmanager
    def _trouble(self) -> Iterator[None]:
        """Whatever goes wrong here leaves no connection behind: nobody would know what its next answer answers."""
        try:
            yield
        except TROUBLE as error:
            self.close()
            self._order.begin_anew()
            raise error if isinstance(error, Unreachable) else unreachable(self._address, error) from error
        except BaseException:
            self.close()
            raise

    def _is_woken(self, client: Client, selector: selectors.BaseSelector) -> bool:
        """Wait for an answer, or else for the descriptor that ends the wait. TimeoutError if neither comes in time."""
        deadline = monotonic() + self._renewal + self._timeout
        while ready := [key.fd for key, _ in selector.select(deadline - monotonic())]:
            if self._wake_up in ready:
                return True
            if client.is_answered():
                return False
        raise TimeoutError

    def _is_answered_yet(self, client: Client) -> bool:
        """A job that is on its way would count as one whose worker has died."""
        with selectors.DefaultSelector() as selector:
            selector.register(client, selectors.EVENT_READ)
            return bool(selector.select(PARTING_SECONDS)) and client.is_answered()

    def _connected(self) -> tuple[Client, selectors.BaseSelector]:
        if self._client is None or self._selector is None:
            self._client = watching(self._address, self._dial, self._watch, self._timeout)
            self._selector = selectors.DefaultSelector()
            self._selector.register(self._client, selectors.EVENT_READ)
            self._selector.register(self._wake_up, selectors.EVENT_READ)
            self.proved = monotonic()
            self._linked()
        return self._client, self._selector
