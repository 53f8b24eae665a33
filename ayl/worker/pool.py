"""The few connections that many slots share.

A connection either waits for a job or holds leases, never both, so that a finished call is settled at once. One waits;
when a job comes, it takes as many more as there are free slots, and holds them until the last is settled, while another
one waits. What is settled meanwhile is gathered by a thread, which tells the server of many in one write.
"""

import logging
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from time import monotonic

from ayl.engines.base import Lease, Source
from ayl.errors import Unreachable
from ayl.life import Standing
from ayl.worker.alone import Alone
from ayl.worker.outcomes import lost

log = logging.getLogger("ayl.worker")

MOST = 64
"""Jobs that are asked for in one write."""

SPARE = 4
"""Connections that are kept open though they hold nothing."""

FEW = 16
"""Connections that may hold leases before others are made with hesitation."""

GATHER_SECONDS = 0.001
"""For each connection above that number: how long jobs gather before the next one takes them, together."""


class Member:
    """One connection."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.held = 0
        """Leases that are not settled yet."""


class PooledLease:
    """A lease whose job is deleted a little later, with others, when its slot is done with it."""

    __slots__ = ("_is_ours", "_token", "body", "is_done", "is_new", "job_id", "lease", "member", "since")

    def __init__(self, lease: Lease, member: Member) -> None:
        self.lease = lease
        self.member = member
        self.is_done = False
        self._is_ours = False
        self._token = [True]  # who takes it settles the job; `pop` is atomic
        self.job_id = lease.job_id
        self.body = lease.body
        self.is_new = lease.is_new
        self.since = lease.since

    @property
    def successor(self) -> int | None:
        return self.lease.successor

    def standing(self) -> Standing | None:
        return self.lease.standing()

    def touch(self) -> bool:
        return self.lease.touch()

    def swap(self, body: bytes) -> bool:
        held = self.lease.swap(body)
        self.job_id, self.body, self.since = self.lease.job_id, self.lease.body, self.lease.since
        return held

    def claim(self) -> bool:
        """For who wants to settle the job in the place of its slot: whether the slot has not done so."""
        try:
            return self._token.pop()
        except IndexError:
            return False

    def delete(self) -> bool:
        self.is_done = self._may_settle()
        return self.is_done

    def release(self, delay: int, body: bytes | None = None) -> bool:
        return self._may_settle() and self.lease.release(delay, body)

    def bury(self, body: bytes | None = None) -> bool:
        return self._may_settle() and self.lease.bury(body)

    def _may_settle(self) -> bool:
        self._is_ours = self._is_ours or self.claim()
        return self._is_ours


class Pool:
    """`take` is for one thread; `settle` for any."""

    def __init__(self, connect: Callable[[], Source], alone: Alone) -> None:
        """`connect` makes a source; it connects when it is first used. Each lease is a member of `alone`."""
        self._connect = connect
        self._alone = alone
        self._idle: deque[Member] = deque()
        self._taking: Source | None = None
        self._began = monotonic()
        self._lock = Lock()
        self._holding = 0
        self._ended: SimpleQueue[PooledLease | None] = SimpleQueue()
        self._settler = Thread(target=self._settle_all, name="ayl settles", daemon=True)
        self._settler.start()

    @property
    def hesitation(self) -> float:
        """Seconds to let pass before the next `take`. So those who have many long calls in hand, each by a connection
        of its own, leave the next to others, and come to take several by one.
        """
        return max(0, self._holding - FEW) * GATHER_SECONDS

    @property
    def proved(self) -> float:
        """When the connection that takes jobs has last had an answer, of the monotonic clock."""
        return self._began if self._taking is None else self._taking.proved

    def take(self, most: int, *, wait: bool = True) -> Iterator[list[PooledLease]]:
        """Wait for a job, and take up to so many that are ready behind it, a few at a time; nothing if the wait was
        ended, or without `wait` if none is ready. Raises Unreachable.
        """
        with self._lock:
            member = self._idle.pop() if self._idle else Member(self._connect())
        self._taking = member.source
        try:
            lease = member.source.take(wait=wait)
            if lease is None:
                with self._lock:
                    self._idle.append(member)
                return
            with self._lock:
                self._holding += 1
                member.held = 1  # of this generator, so that it does not count as idle before it has ended
            try:
                yield self._pooled(member, [lease])
                most -= 1
                asked = 2
                while most > 0:
                    asked = min(asked, most, MOST)
                    _, came = member.source.delete_and_take([], asked, wait=False)
                    yield self._pooled(member, came)
                    if len(came) < asked:
                        break
                    most -= asked
                    asked *= 2
            finally:
                self._let_go(member, 1)
        except Unreachable:
            member.source.close()
            raise

    def settle(self, lease: PooledLease) -> None:
        """Its slot is done with it."""
        self._ended.put(lease)

    def close(self) -> None:
        """When all slots have ended: settle what is left, and let go of the connections."""
        self._ended.put(None)
        self._settler.join()
        for member in self._idle:
            member.source.close()

    def _pooled(self, member: Member, leases: list[Lease]) -> list[PooledLease]:
        with self._lock:
            member.held += len(leases)
        self._alone.join(len(leases))
        return [PooledLease(lease, member) for lease in leases]

    def _settle_all(self) -> None:
        while True:
            batch = [self._ended.get()]
            try:
                while True:
                    batch.append(self._ended.get_nowait())
            except Empty:
                pass
            by_member: dict[Member, list[PooledLease]] = defaultdict(list)
            for lease in batch:
                if lease is not None:
                    by_member[lease.member].append(lease)
            for member, leases in by_member.items():
                _delete(member.source, [lease for lease in leases if lease.is_done])
                self._let_go(member, len(leases))
                self._alone.leave(len(leases))
            if None in batch:
                return

    def _let_go(self, member: Member, count: int) -> None:
        with self._lock:
            member.held -= count
            if member.held:
                return
            self._holding -= 1
            if len(self._idle) < SPARE:
                self._idle.append(member)
                return
        member.source.close()


def _delete(source: Source, leases: list[PooledLease]) -> None:
    if not leases:
        return
    try:
        held, _ = source.delete_and_take([lease.lease for lease in leases], 0, wait=False)
    except Unreachable as error:  # the server gives all of them to somebody
        log.warning("%d calls have ended and are made again: %s", len(leases), error)
        return
    for lease, still in zip(leases, held, strict=True):
        if not still:
            lost(f"job {lease.job_id}")
