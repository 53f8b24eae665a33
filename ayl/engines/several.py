"""Where a worker takes its jobs when there are several servers: one connection to each, and never more than one job.

First each is asked in turn whether it has a job now. Only when none has, all are asked at once to hand over the next
one; the first that does is taken at its word, and the others' reserves are withdrawn, which only closing a connection
does. Should another have answered in the same moment, its job is given back.
"""

import selectors
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from math import inf
from time import monotonic

from ayl.engines.addresses import Address
from ayl.engines.base import Lease
from ayl.engines.client import Client
from ayl.engines.dialing import Dial
from ayl.engines.lanes import taken
from ayl.engines.order import Orders
from ayl.engines.post import Post
from ayl.engines.source import BeanstalkLease
from ayl.engines.watching import Watch, watching
from ayl.errors import Unreachable

ANSWER_SECONDS = 0.5
"""How long a server that is asked in turn may keep the others waiting."""


class _Woken(Exception):
    """The wake-up descriptor ends the wait."""


class SeveralSources:
    """Reserves from the tubes of several servers, fairly; a dead one keeps nobody waiting."""

    def __init__(
        self,
        addresses: Sequence[Address],
        dial: Dial,
        watch: Watch,
        timeout: float,
        wake_up: int,
        linked: Callable[[], object] = lambda: None,
        orders: Orders | None = None,
    ) -> None:
        """`timeout`: seconds for connecting and for each answer. `wake_up`: a descriptor that ends a wait. `linked` is
        called with each new connection, by another thread. `orders`: what sources share.
        """
        orders = orders or Orders()

        def connecting(address: Address) -> Callable[[], Client]:
            def connect() -> Client:
                client = watching(address, dial, watch, timeout)
                linked()
                return client

            return connect

        self._posts = [Post(address, connecting(address), timeout, orders.of(address)) for address in addresses]
        self._turns = watch.turns
        self._wake_up = wake_up
        self._first = 0  # whose turn it is
        self._latest: Post | None = None
        self._answers: tuple[list[bool], list[Lease]] = [], []
        self.waited = True
        self._selector: selectors.BaseSelector | None = None
        self._bell: tuple[socket.socket, socket.socket] | None = None

    @property
    def proved(self) -> float:
        return max(post.proved for post in self._posts)

    def take(self, *, wait: bool = True) -> BeanstalkLease | None:
        selector = self._prepared()
        try:
            while True:
                self._gather()
                if not wait:
                    return self._take_ready(selector)
                lease = self._ask_in_turn(selector) or self._wait(selector)
                if lease is not None:
                    return lease
        except _Woken:
            self.close()
            return None

    def delete_and_take(self, leases: Sequence[Lease], ready: int, *, wait: bool) -> tuple[list[bool], list[Lease]]:
        held = [lease.delete() for lease in leases]
        # Only of the server that was last taken from. The others may have jobs that have waited longer: they are asked
        # first, when one is taken. With lanes, they may have some of a lane that comes first.
        latest = self._latest if ready and self._turns is None else None
        return held, [] if latest is None else [*latest.more(self._selector, ready)]

    def delete_and_ask(self, leases: Sequence[Lease], ready: int) -> None:
        self._answers = self.delete_and_take(leases, ready, wait=False)

    def answered(self) -> tuple[list[bool], list[Lease]]:
        return self._answers

    def close(self) -> None:
        for post in self._posts:
            post.rest(self._selector)
        if self._selector is not None:
            self._selector.close()
            self._selector = None
        if self._bell is not None:
            for end in self._bell:
                end.close()
            self._bell = None

    def _gather(self) -> None:
        """Connections that have come about, and the beginning of those that are missing."""
        if self._selector is not None:
            for post in self._posts:
                post.gather(self._selector, self._ring)

    def _take_ready(self, selector: selectors.BaseSelector) -> BeanstalkLease | None:
        """A job that is ready at any of those that can be reached."""
        while any(post.client is None and post.trouble is None for post in self._posts):
            self._harvest(selector, None)  # until each is connected or known to be gone
        if all(post.client is None for post in self._posts):
            raise self._unreachable()
        return self._ask_in_turn(selector)

    def _unreachable(self) -> Unreachable:
        return Unreachable("; ".join(str(post.trouble) for post in self._posts if post.trouble is not None))

    def _ask_in_turn(self, selector: selectors.BaseSelector) -> BeanstalkLease | None:
        if self._turns is None:
            return self._ask_all(selector)
        found = taken(self._turns, 1, lambda lane, _: [*filter(None, (self._ask_all(selector, lane),))])
        return found[0] if found else None

    def _ask_all(self, selector: selectors.BaseSelector, lane: int | None = None) -> BeanstalkLease | None:
        """One server after the other."""
        for post in self._in_turn():
            if not post.asked and (lease := self._ask(post, selector, lane)) is not None:
                return lease
        return None

    def _ask(self, post: Post, selector: selectors.BaseSelector, lane: int | None) -> BeanstalkLease | None:
        """Its job, or that of one who was asked earlier and is slow; None if there is none, or it is slow itself."""
        post.ask(selector, lane, wait=False)
        deadline = monotonic() + ANSWER_SECONDS
        while post.asked and (left := deadline - monotonic()) > 0:
            lease = self._harvest(selector, left)
            if lease is not None:
                return lease
        return None

    def _wait(self, selector: selectors.BaseSelector) -> BeanstalkLease | None:
        """Wait for the next job of any; or for other news, and then there may be none."""
        for post in self._posts:
            if not post.asked:
                post.ask(selector, None, wait=True)
        troubles = [post.trouble for post in self._posts if post.client is None and post.trouble is not None]
        if len(troubles) == len(self._posts):
            raise self._unreachable()
        if any(post.forsaken for post in self._posts):
            return None
        due = min(post.due for post in self._posts)
        return self._harvest(selector, None if due == inf else max(0.0, due - monotonic()))

    def _harvest(self, selector: selectors.BaseSelector, seconds: float | None) -> BeanstalkLease | None:
        """Wait once for whatever comes; of several jobs that come at once, one is kept."""
        ready: list[Post | int] = [key.data for key, _ in selector.select(seconds)]
        if self._wake_up in ready:
            raise _Woken
        if self._bell is not None and self._bell[0].fileno() in ready:
            with suppress(BlockingIOError):
                self._bell[0].recv(4096)
            self._gather()
        for number, post in enumerate(self._in_turn(), self._first + 1):
            if post in ready and (lease := post.answer(selector)) is not None:
                self._first = number % len(self._posts)
                self._latest = post
                for other in self._posts:
                    if other.asked:
                        self._withdraw(other, selector)
                return lease
        return None

    @staticmethod
    def _withdraw(post: Post, selector: selectors.BaseSelector) -> None:
        """One job is enough. A hang-up would count as a worker that died: what is here by now is given back."""
        is_here = any(key.data is post for key, _ in selector.select(0))  # much may have come since the first was read
        if is_here and (second := post.answer(selector)) is not None:
            second.release(0)
        if post.asked:
            post.drop(selector)

    def _in_turn(self) -> list[Post]:
        return self._posts[self._first :] + self._posts[: self._first]

    def _prepared(self) -> selectors.BaseSelector:
        if self._selector is None or self._bell is None:
            self._bell = socket.socketpair()
            for end in self._bell:
                end.setblocking(False)
            self._selector = selectors.DefaultSelector()
            for descriptor in (self._bell[0].fileno(), self._wake_up):
                self._selector.register(descriptor, selectors.EVENT_READ, descriptor)
        return self._selector

    def _ring(self) -> None:
        """There is news of a connection. Called from other threads, but never once `close` has called these off."""
        if self._bell is not None:
            with suppress(BlockingIOError):
                self._bell[1].send(b"!")
