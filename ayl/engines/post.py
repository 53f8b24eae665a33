"""One of several servers, as a worker sees it."""

import logging
import selectors
import threading
from collections.abc import Callable
from math import inf
from time import monotonic
from typing import TypeVar

from ayl.engines.addresses import Address
from ayl.engines.client import NO_JOB, TROUBLE, Client, unreachable
from ayl.engines.order import Order
from ayl.engines.redialing import RECONNECT_SECONDS, Redial
from ayl.engines.source import BeanstalkLease, renewal
from ayl.errors import Unreachable

T = TypeVar("T")

log = logging.getLogger("ayl.worker")


class Post:
    """Connected or being dialled; asked for a job or not."""

    def __init__(self, address: Address, connect: Callable[[], Client], timeout: float, order: Order) -> None:
        """`timeout`: seconds for each answer."""
        self.address = address
        self.client: Client | None = None
        self.asked = False
        """A reserve is under way."""
        self.due = inf
        """When its answer is due, seconds of the monotonic clock."""
        self.proved = monotonic()
        """When it has last answered, of the same clock; at first, when this was made."""
        self.trouble: Unreachable | None = None
        """Why there is no connection; None while that is not known."""
        self._connect = connect
        self._timeout = timeout
        self._redial: Redial | None = None
        self._told = False
        self._order = order
        self.talk = threading.RLock()
        """Over what was taken: the call's thread may ask while another renews its lease."""

    @property
    def forsaken(self) -> bool:
        """Whether there is no connection, and nobody who sees to one."""
        return self.client is None and self._redial is None

    def gather(self, selector: selectors.BaseSelector, ring: Callable[[], object]) -> None:
        """See to it that there is a connection that answers, or will be."""
        if self.due <= monotonic():
            self.lose(selector, TimeoutError())
        if self.client is not None:
            return
        if self._redial is None:
            self._redial = Redial(self._connect, ring)
        client = self._redial.collect()
        if client is not None:
            self._redial, self.trouble, self.client = None, None, client
            self.proved = monotonic()
            selector.register(client, selectors.EVENT_READ, self)
            if self._told:
                log.info("the server at %s answers again", self.address)
            self._told = False
        elif (error := self._redial.error) is not None:
            self._tell(error)

    def ask(self, selector: selectors.BaseSelector, lane: int | None, *, wait: bool) -> None:
        """Ask for a job of a lane, or of all; with `wait` for the next one, otherwise for one that is there."""
        if self.client is None:
            return
        try:
            if not self.client.turn_to(lane):
                return
            seconds = renewal(self._timeout) if wait else 0
            self.client.begin_reserve(seconds)
            self.asked, self.due = True, monotonic() + seconds + self._timeout
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
            asked, self.asked, self.due = self.asked, False, inf
            if not asked:
                raise ConnectionResetError  # nobody has asked: the server is gone
            self.proved = monotonic()
            return self._lease(client, selector)
        except TROUBLE as error:
            self.lose(selector, error)
            return None

    def _lease(self, client: Client, selector: selectors.BaseSelector) -> BeanstalkLease | None:
        try:
            job_id, body = client.finish_reserve()
        except NO_JOB:
            client.look()  # now that it has just answered: one that stands still would keep the others waiting
            return None
        return BeanstalkLease(_Held(self, client, selector), job_id, body, is_new=self._order.is_new(job_id))

    def more(self, selector: selectors.BaseSelector | None, count: int) -> list[BeanstalkLease]:
        """Up to so many jobs that are ready now, by a connection on which nobody waits."""
        with self.talk:
            if self.client is None or selector is None:
                return []
            try:
                self.client.begin_portion((), count)
                _, came = self.client.finish_portion(0, count)
            except TROUBLE as error:
                self.lose(selector, error)
                return []
            holder = _Held(self, self.client, selector)
            return [BeanstalkLease(holder, job_id, body, is_new=self._order.is_new(job_id)) for job_id, body in came]

    def drop(self, selector: selectors.BaseSelector) -> None:
        """Close the connection; what the server has handed over by it goes back."""
        self.asked, self.due = False, inf
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
        self._order.begin_anew()
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

    def settle(self, command: bytes, expected: bytes) -> bool:
        return bool(self.ask(lambda client: client.settle(command, expected)))

    def ask(self, question: Callable[[Client], T]) -> T | None:
        with self._post.talk:
            if self._post.client is not self._client:
                return None
            try:
                return question(self._client)
            except TROUBLE as error:
                self._post.lose(self._selector, error)
                return None
