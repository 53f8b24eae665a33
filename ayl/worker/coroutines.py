"""Coroutine slots: many calls on one event loop.

One thread takes jobs for all free slots, and the loop makes the calls. What would hold up the loop is done in other
threads: plain functions, and whatever asks the server.
"""

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from time import monotonic
from typing import TypeVar

from ayl.engines.base import Source
from ayl.errors import Unreachable
from ayl.settings import Settings
from ayl.worker.consumer import RECONNECT_SECONDS
from ayl.worker.execution import Next, execute_on_loop
from ayl.worker.hand import LAST_SECONDS
from ayl.worker.loop import Loop
from ayl.worker.pool import Pool, PooledLease
from ayl.worker.slots import Bell
from ayl.worker.terms import Terms
from ayl.worker.wear import Wear

T = TypeVar("T")

log = logging.getLogger("ayl.worker")

PLAIN_CALLS = 32
"""Plain functions that coroutine slots run at a time, in threads. While there are so many, no jobs are taken."""

SETTLERS = 4
"""Threads that ask the server what the loop must not wait for."""


class NoRoom(Exception):
    """All threads for plain functions are busy."""


class Coroutines:
    """`count` slots over connections that `connect` makes."""

    def __init__(
        self,
        count: int,
        connect: Callable[[], Source],
        bell: Bell,
        loop: Loop,
        wear: Wear,
        terms: Terms,
        *,
        burst: bool = False,
    ) -> None:
        """`burst`: end once no job is ready."""
        self._free = count
        self._count = count
        self._plain = 0
        self._plain_calls = min(count, PLAIN_CALLS)
        self._connect = connect
        self._bell = bell
        self._loop = loop
        self._slots = [terms.slot(lambda: None) for _ in range(count)]
        self._wear = wear
        self._burst = burst
        self._trouble = ""  # the server's, until it brings a job
        self._troubled_at = 0.0
        self._asks_since: float | None = None  # of a server, for jobs
        self._proved: Callable[[], float] = monotonic
        self._alone = terms.alone
        self._alone.join()
        self._begun: set[PooledLease] = set()
        self._news = threading.Condition()
        self._after = Next.GO_ON
        self._crash: BaseException | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def work(self, settings: Settings) -> Next:
        """Until told to stop, or by a message to end; then until all calls have ended."""
        with (
            ThreadPoolExecutor(self._plain_calls, "ayl calls") as self._callers,
            ThreadPoolExecutor(SETTLERS, "ayl asks") as self._askers,
        ):
            self._pool = pool = Pool(self._connect, self._alone)
            self._proved = lambda: pool.proved
            self._loop.watch(self._bell.fileno(), self._tell)
            self._alone.tell(self._tell)
            try:
                self._take_jobs(settings)
            finally:
                self._alone.leave()
                with self._news:
                    self._news.wait_for(lambda: self._free == self._count)
                self._pool.close()
        if self._crash is not None:
            raise self._crash
        return self._after

    def _take_jobs(self, settings: Settings) -> None:
        while room := self._room():
            if (seconds := self._pool.hesitation) > 0:
                self._bell.wait(seconds)
                if self._bell.requested:
                    return
            free, taken = self._free, 0
            try:
                self._asks_since = monotonic()
                for leases in self._pool.take(room, wait=not self._burst):
                    with self._news:
                        self._free -= len(leases)
                    taken += len(leases)
                    self._begun.update(leases)
                    self._loop.call(self._begin, leases, settings)
                self._asks_since = None
                if self._trouble:
                    log.info("the server answers again")
                    self._trouble = ""
                if self._burst and not taken and not self._alone.is_wanted and self._is_over(free):
                    self._after = Next.EMPTY
                    return
            except Unreachable as error:
                self._asks_since = None
                if not self._trouble:
                    log.warning("%s; trying again every %g s", error, RECONNECT_SECONDS)
                self._trouble = str(error)
                self._troubled_at = monotonic()
                self._bell.wait(RECONNECT_SECONDS)

    def _room(self) -> int:
        """Wait for it; how many jobs may be taken, or 0 if it is over."""
        while True:
            with self._news:
                self._news.wait_for(lambda: self._bell.requested or self._alone.is_wanted or self._vacant() > 0)
                if self._bell.requested:
                    return 0
                if not self._alone.is_wanted and (vacant := self._vacant()) > 0:
                    return vacant
            self._alone.step_aside()  # no connection waits for jobs; the calls that run are members themselves

    def _vacant(self) -> int:
        # Where some calls are plain functions, the next ones may be, too.
        return min(self._free, self._plain_calls - self._plain) if self._plain else self._free

    def _is_over(self, free: int) -> bool:
        """In a burst: nothing was ready while so many slots were free. Calls that run may send more: wait for one."""
        if free == self._count:
            return not self._bell.requested
        with self._news:
            self._news.wait_for(lambda: self._bell.requested or self._free != free)
        return False

    @property
    def trouble(self) -> str:
        """Why no jobs can be taken now; empty if that is not so."""
        return self._trouble if self._trouble and self._proved() < self._troubled_at else ""

    @property
    def moved_at(self) -> float:
        """When it has last got on with taking jobs, of the monotonic clock; now while it does not ask for any."""
        since = self._asks_since
        return monotonic() if since is None else max(since, self._proved())

    def give_back(self) -> bool:
        """At once, all that is in hand, from another thread; whether calls were cut off, which must not go on."""
        cut = [lease for lease in [*self._begun] if lease.claim()]
        for lease in cut:
            with suppress(Unreachable):
                lease.lease.release(LAST_SECONDS)
        if cut:
            self._pool.close()  # it settles what is done
        return bool(cut)

    def _tell(self) -> None:
        with self._news:
            self._news.notify_all()

    # On the loop

    def _begin(self, leases: Sequence[PooledLease], settings: Settings) -> None:
        for lease in leases:
            task = asyncio.get_running_loop().create_task(self._execute(lease, settings))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _execute(self, lease: PooledLease, settings: Settings) -> None:
        slot = self._slots.pop()
        try:
            after = await execute_on_loop(lease, settings, slot, self)
            if after is Next.RENEW:
                self._wear.renew()
            elif after is not Next.GO_ON:
                self._after = after
                self._bell.ring()
        except NoRoom:
            await self.settle(lambda: lease.release(0))
        except Unreachable as error:
            log.warning("job %d: %s", lease.job_id, error)
        except BaseException as error:  # noqa: BLE001 - it is raised where the slots are worked from
            self._crash = error
            self._bell.ring()
        finally:
            self._begun.discard(lease)
            self._pool.settle(lease)
            self._slots.append(slot)
            self._wear.count()
            with self._news:
                self._free += 1
                self._news.notify_all()

    async def call(self, function: Callable[[], T]) -> T:
        if self._plain == self._plain_calls:
            raise NoRoom
        self._plain += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._callers, copy_context().run, function)
        finally:
            self._plain -= 1

    async def settle(self, function: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._askers, function)
