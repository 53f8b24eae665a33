"""One server, as the senders of this process see it: a connection for each thread, and whether it answers at all."""

import os
import threading
from collections.abc import Callable
from time import monotonic
from typing import TypeVar, TypeVarTuple
from weakref import WeakSet

from ayl.engines.addresses import Address
from ayl.engines.breaker import Breaker, Leave
from ayl.engines.client import TROUBLE, Client, unreachable
from ayl.engines.dialing import Dial
from ayl.errors import Unreachable

Ts = TypeVarTuple("Ts")
T = TypeVar("T")

LEAST_PATIENCE = 0.01
"""Seconds: what is always left for a server that is tried as the last."""


class Link:
    """Safe to use from several threads, and after a fork."""

    def __init__(self, address: Address, dial: Dial, patience: float, probe_interval: float) -> None:
        self.address = address
        self.place = str(address)
        self._dial = dial
        self._breaker = Breaker(probe_interval, lease=patience + 1)
        self._lock = threading.RLock()  # a signal's handler may send, too
        self._why = ""
        self._local = _OfThread()
        _links.add(self)

    def is_left_alone(self) -> bool:
        """Whether a call would fail at once."""
        return not self._breaker.closed and self._breaker.seconds_left(monotonic()) > 0

    def use(self, question: Callable[[Client, *Ts], T], patience: float, *args: *Ts) -> T:
        """What `question` returns. Unreachable if the server does not answer in `patience` seconds, or has not lately.

        A kept connection breaks when the server was restarted meanwhile: one new one is tried, and `question` is asked
        again.
        """
        breaker, client = self._breaker, self._local.client
        generation = breaker.generation
        if client is None or client.in_use or not breaker.closed:
            return self._use_new(question, args, generation, monotonic() + patience)
        client.in_use = True  # a signal's handler that sends meanwhile takes another
        prompt = client.prompt
        if prompt.patience != patience:
            prompt.wait_at_most(patience)
        try:
            answer = question(client, *args)
        except TimeoutError as error:
            self._lose(client)
            raise self._failed(generation, error) from None
        except TROUBLE:
            self._lose(client)
            return self._use_new(question, args, generation, renewed(prompt.deadline, patience))
        except BaseException:
            self._lose(client)  # an interrupted conversation: nobody knows which command the next answer belongs to
            raise
        client.in_use = False
        if not self._breaker.closed:  # others have failed meanwhile
            self._recovered()
        return answer

    def _use_new(self, question: Callable[[Client, *Ts], T], args: tuple[*Ts], generation: int, deadline: float) -> T:
        """As `use`, by a new connection."""
        breaker, local = self._breaker, self._local
        client = None
        probes = not breaker.closed and self._may_probe()
        try:
            client = self._connected(deadline)
            if probes:  # nothing is entrusted to it before
                client.prove()
                self._recovered()
                generation = breaker.generation
                client.prompt.wait_at_most(max(LEAST_PATIENCE, deadline - monotonic()))
            answer = question(client, *args)
            local.client = client
            if not breaker.closed:
                self._recovered()
            return answer
        except TROUBLE as error:
            if client is not None:
                client.close()
            raise self._failed(generation, error) from None
        except BaseException:
            if client is not None:
                client.close()
            if probes:
                with self._lock:
                    breaker.abandoned(monotonic())
            raise

    def drop(self) -> None:
        """Close this thread's connection."""
        client = self._local.client
        if client is not None:
            self._local.client = None
            if not client.in_use:  # whoever uses it lets go of it
                client.close()

    def _lose(self, client: Client) -> None:
        if self._local.client is client:
            self._local.client = None
        client.close()

    def _connected(self, deadline: float) -> Client:
        """A new connection, instead of the one that this thread keeps."""
        self.drop()
        client = Client(self._dial(self.address, max(LEAST_PATIENCE, deadline - monotonic())))
        client.prompt.wait_at_most(max(LEAST_PATIENCE, deadline - monotonic()))
        return client

    # Whether it answers

    def _may_probe(self) -> bool:
        """Whether this caller is to find out; not if it has answered meanwhile. Unreachable while it is left alone."""
        with self._lock:
            leave = self._breaker.ask(now := monotonic())
            seconds, why = self._breaker.seconds_left(now), self._why
        if leave is Leave.NONE:
            raise Unreachable(f"{why} (left alone for another {seconds:.1f} s)")
        return leave is Leave.PROBE

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


class _OfThread(threading.local):
    client: Client | None = None


_links: WeakSet[Link] = WeakSet()


def _renew() -> None:
    """In a forked child: it must not share its parent's connections. And another thread of the parent may have held a
    lock, which nobody is left here to release.
    """
    for link in _links:
        link._lock = threading.RLock()
        link._local = _OfThread()


os.register_at_fork(after_in_child=_renew)
