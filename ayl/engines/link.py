"""One server, as the senders of this process see it: a connection for each thread, and whether it answers at all."""

import os
import threading
from collections.abc import Callable
from time import monotonic
from typing import Concatenate, ParamSpec, TypeVar
from weakref import WeakSet

from ayl.engines.addresses import Address
from ayl.engines.breaker import Breaker, Leave
from ayl.engines.client import TROUBLE, Client, unreachable
from ayl.engines.dialing import Dial
from ayl.errors import Unreachable

P = ParamSpec("P")
T = TypeVar("T")

LEAST_PATIENCE = 0.01
"""Seconds: what is always left for a server that is tried as the last."""


class _Seat:
    """Where a thread's connection is while it is not in use."""

    __slots__ = ("client", "pid")

    def __init__(self) -> None:
        self.client: Client | None = None
        self.pid = 0
        """Of the process that has made it. A forked child must not share its parent's."""


class _Local(threading.local):
    def __init__(self) -> None:
        self.seat = _Seat()


class Link:
    """Safe to use from several threads, and after a fork."""

    def __init__(self, address: Address, dial: Dial, patience: float, probe_interval: float) -> None:
        self.address = address
        self.place = str(address)
        self._dial = dial
        self._breaker = Breaker(probe_interval, lease=patience + 1)
        self._lock = threading.RLock()  # a signal's handler may send, too
        self._why = ""
        self._local = _Local()
        _links.add(self)

    def is_left_alone(self) -> bool:
        """Whether a call would fail at once."""
        return not self._breaker.closed and self._breaker.seconds_left(monotonic()) > 0

    def use(
        self, question: Callable[Concatenate[Client, P], T], patience: float, *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """What `question` returns. Unreachable if the server does not answer in `patience` seconds, or has not lately.

        A kept connection breaks when the server was restarted meanwhile: one new one is tried, and `question` is asked
        again.
        """
        breaker, seat = self._breaker, self._local.seat
        generation = breaker.generation
        deadline = monotonic() + patience
        probes = not breaker.closed and self._may_probe()
        try:
            if probes:
                self._prove(deadline)
                generation, patience = breaker.generation, max(LEAST_PATIENCE, deadline - monotonic())
            while True:
                client, fresh = self._taken(seat, deadline, patience)
                try:
                    answer = question(client, *args, **kwargs)
                except BaseException as error:
                    # Of an interrupted conversation nobody knows which command the next answer belongs to.
                    client.close()
                    if fresh or probes or isinstance(error, TimeoutError) or not isinstance(error, TROUBLE):
                        raise
                    deadline = renewed(deadline, patience)
                else:
                    seat.client = client
                    if not breaker.closed:  # others have failed meanwhile
                        self._recovered()
                    return answer
        except TROUBLE as error:
            raise self._failed(generation, error) from None
        except BaseException:
            if probes:
                with self._lock:
                    breaker.abandoned(monotonic())
            raise

    def drop(self) -> None:
        """Close this thread's connection."""
        seat = self._local.seat
        client, seat.client = seat.client, None
        if client is not None:
            client.close()

    def _taken(self, seat: _Seat, deadline: float, patience: float) -> tuple[Client, bool]:
        """This thread's connection and whether it is new.

        It is the caller's until that puts it back: a signal's handler that sends meanwhile takes another.
        """
        client = seat.client
        if client is not None and seat.pid == os.getpid():
            seat.client = None
            client.prompt.patience = patience
            return client, False
        client = Client(self._dial(self.address, max(LEAST_PATIENCE, deadline - monotonic())))
        client.prompt.patience = max(LEAST_PATIENCE, deadline - monotonic())
        seat.pid = os.getpid()
        return client, True

    # Whether it answers

    def _may_probe(self) -> bool:
        """Whether this caller is to find out; not if it has answered meanwhile. Unreachable while it is left alone."""
        with self._lock:
            leave = self._breaker.ask(now := monotonic())
            seconds, why = self._breaker.seconds_left(now), self._why
        if leave is Leave.NONE:
            raise Unreachable(f"{why} (left alone for another {seconds:.1f} s)")
        return leave is Leave.PROBE

    def _prove(self, deadline: float) -> None:
        """Connect anew and see that a server answers, before anything is entrusted to it."""
        self.drop()
        seat = self._local.seat
        client, _ = self._taken(seat, deadline, 0)
        try:
            client.prove()
        except BaseException:
            client.close()
            raise
        seat.client = client
        self._recovered()

    def _recovered(self) -> None:
        with self._lock:
            self._breaker.succeeded()

    def _failed(self, generation: int, error: Exception) -> Unreachable:
        trouble = error if isinstance(error, Unreachable) else unreachable(self.address, error)
        with self._lock:
            self._breaker.failed(generation, monotonic())
            self._why = str(trouble)
        return trouble


def renewed(deadline: float, patience: float) -> float:
    """The deadline; a new one if it has passed, which it does only when a large write flowed for longer than that."""
    now = monotonic()
    return deadline if now < deadline else now + patience


_links: WeakSet[Link] = WeakSet()


def _renew_locks() -> None:
    """In a forked child: another thread of the parent may have held one, and nobody is left here to release it."""
    for link in _links:
        link._lock = threading.RLock()


os.register_at_fork(after_in_child=_renew_locks)
