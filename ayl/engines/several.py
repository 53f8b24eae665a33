"""Where a worker takes its jobs when there are several servers: one connection to each, and never more than one job.

First each is asked in turn whether it has a job now. Only when none has, all are asked at once to hand over the next
one; the first that does is taken at its word, and the others' reserves are withdrawn, which only closing a connection
does. Should another have answered in the same moment, its job goes back with the connection.
"""

import logging
import selectors
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from time import monotonic
from typing import TypeVar

import greenstalk

from ayl.engines.addresses import Address
from ayl.engines.client import TROUBLE, Client, unreachable
from ayl.engines.dialing import Dial
from ayl.engines.redialing import RECONNECT_SECONDS, Redial
from ayl.engines.source import NO_JOB, BeanstalkLease, watching
from ayl.errors import Unreachable

T = TypeVar("T")

log = logging.getLogger("ayl.worker")

ANSWER_SECONDS = 0.5
"""How long a server that is asked in turn may keep the others waiting."""


class _Woken(Exception):
    """The wake-up descriptor ends the wait."""


class Post:
    """One of the servers: connected or being dialled; asked for a job or not."""

    def __init__(self, address: Address, connect: Callable[[], Client]) -> None:
        self.address = address
        self.client: Client | None = None
        self.asked = False
        """A reserve is under way."""
        self.trouble: Unreachable | None = None
        """Why there is no connection; None while that is not known."""
        self._connect = connect
        self._redial: Redial | None = None
        self._told = False

    @property
    def forsaken(self) -> bool:
        """Whether there is no connection, and nobody who sees to one."""
        return self.client is None and self._redial is None

    def gather(self, selector: selectors.BaseSelector, ring: Callable[[], object]) -> None:
        """See to it that there is a connection, or will be."""
        if self.client is not None:
            return
        if self._redial is None:
            self._redial = Redial(self._connect, ring)
        client = self._redial.collect()
        if client is not None:
            self._redial, self.trouble, self.client = None, None, client
            selector.register(client, selectors.EVENT_READ, self)
            if self._told:
                log.info("the server at %s answers again", self.address)
            self._told = False
        elif (error := self._redial.error) is not None:
            self._tell(error)

    def ask(self, selector: selectors.BaseSelector, *, wait: bool) -> None:
        """Ask for a job; with `wait` for the next one, otherwise for one that is there."""
        if self.client is None:
            return
        try:
            self.client.begin_reserve(wait=wait)
            self.asked = True
        except TROUBLE as error:
            self.lose(selector, error)

    def answer(self, selector: selectors.BaseSelector) -> BeanstalkLease | None:
        """Now that the socket is readable: the job, if it brings one."""
        client = self.client
        if client is None:
            return None
        try:
            if not client.is_answered():
                return None
            asked, self.asked = self.asked, False
            if not asked:
                raise ConnectionResetError  # nobody has asked: the server is gone
            return BeanstalkLease(_Held(self, client, selector), *client.finish_reserve())
        except NO_JOB:
            return None
        except TROUBLE as error:
            self.lose(selector, error)
            return None

    def drop(self, selector: selectors.BaseSelector) -> None:
        """Close the connection; what the server has handed over by it goes back."""
        self.asked = False
        if self.client is not None:
            selector.unregister(self.client)
            self.client.close()
            self.client = None

    def rest(self, selector: selectors.BaseSelector | None) -> None:
        """Let go of everything."""
        if self._redial is not None:
            self._redial.call_off()
            self._redial = None
        if selector is not None:
            self.drop(selector)
        self.trouble = None

    def lose(self, selector: selectors.BaseSelector, error: Exception) -> None:
        """The connection is of no use any more."""
        self.drop(selector)
        self._tell(error)

    def _tell(self, error: Exception) -> None:
        """Once for each time that it is gone."""
        self.trouble = error if isinstance(error, Unreachable) else unreachable(self.address, error)
        if not self._told:
            log.warning("%s; the others go on; trying again every %g s", self.trouble, RECONNECT_SECONDS)
        self._told = True


class _Held:
    """The connection over which a job was reserved. The lease is lost with it, and the others go on."""

    def __init__(self, post: Post, client: Client, selector: selectors.BaseSelector) -> None:
        self._post = post
        self._client = client
        self._selector = selector

    def settle(self, command: bytes, expected: bytes, *, then_take: bool = False) -> bool:
        # Others may have waited longer than this server's next job: they are asked first, when one is taken.
        return bool(self._answer(lambda client: client.settle(command, expected)))

    def statistics(self, job_id: int) -> greenstalk.StatsJob | None:
        return self._answer(lambda client: client.statistics(job_id))

    def _answer(self, question: Callable[[Client], T]) -> T | None:
        if self._post.client is not self._client:
            return None
        try:
            return question(self._client)
        except TROUBLE as error:
            self._post.lose(self._selector, error)
            return None


class SeveralSources:
    """Reserves from the tubes of several servers, fairly; a dead one keeps nobody waiting."""

    def __init__(
        self, addresses: Sequence[Address], dial: Dial, tubes: Sequence[str], timeout: float, wake_up: int
    ) -> None:
        """`timeout`: seconds for connecting and for each answer. `wake_up`: a descriptor that ends a wait."""

        def connecting(address: Address) -> Callable[[], Client]:
            return lambda: watching(address, dial, tubes, timeout)

        self._posts = [Post(address, connecting(address)) for address in addresses]
        self._wake_up = wake_up
        self._first = 0  # whose turn it is
        self._selector: selectors.BaseSelector | None = None
        self._bell: tuple[socket.socket, socket.socket] | None = None

    def take(self) -> BeanstalkLease | None:
        selector, ring = self._prepared()
        try:
            while True:
                for post in self._posts:
                    post.gather(selector, ring)
                lease = self._ask_in_turn(selector) or self._wait(selector)
                if lease is not None:
                    return lease
        except _Woken:
            self.close()
            return None

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

    def _ask_in_turn(self, selector: selectors.BaseSelector) -> BeanstalkLease | None:
        for post in self._in_turn():
            if post.asked:
                continue
            post.ask(selector, wait=False)
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
                post.ask(selector, wait=True)
        troubles = [post.trouble for post in self._posts if post.client is None and post.trouble is not None]
        if len(troubles) == len(self._posts):
            raise Unreachable("; ".join(map(str, troubles)))
        if any(post.forsaken for post in self._posts):
            return None
        return self._harvest(selector, None)

    def _harvest(self, selector: selectors.BaseSelector, seconds: float | None) -> BeanstalkLease | None:
        """Wait once for whatever comes; of several jobs that come at once, one is kept."""
        ready = [key.data for key, _ in selector.select(seconds)]
        if self._wake_up in ready:
            raise _Woken
        if None in ready and self._bell is not None:
            with suppress(BlockingIOError):
                self._bell[0].recv(4096)
        for number, post in enumerate(self._in_turn(), self._first + 1):
            if post in ready and (lease := post.answer(selector)) is not None:
                self._first = number % len(self._posts)
                for other in self._posts:
                    if other.asked:
                        other.drop(selector)
                return lease
        return None

    def _in_turn(self) -> list[Post]:
        return self._posts[self._first :] + self._posts[: self._first]

    def _prepared(self) -> tuple[selectors.BaseSelector, Callable[[], object]]:
        if self._selector is None or self._bell is None:
            self._bell = socket.socketpair()
            for end in self._bell:
                end.setblocking(False)
            self._selector = selectors.DefaultSelector()
            self._selector.register(self._bell[0], selectors.EVENT_READ)
            self._selector.register(self._wake_up, selectors.EVENT_READ, self._wake_up)
        bell = self._bell[1]

        def ring() -> None:
            with suppress(BlockingIOError):
                bell.send(b"!")

        return self._selector, ring
