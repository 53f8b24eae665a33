"""The jobs that one slot has taken and not settled yet."""

from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from threading import Lock

from ayl.engines.base import Lease, Source
from ayl.errors import Unreachable
from ayl.life import Standing
from ayl.worker.outcomes import lost

LAST_SECONDS = 1
"""Until others may take what a process gives back that is about to end: till then it surely has ended, and what it cut
off runs nowhere twice; nor does a slot of its own take the job once more.
"""


class Held:
    """A lease whose job is deleted a little later, with the others in hand. All else is settled at once."""

    __slots__ = ("_begun", "_done", "_is_claimed", "_lease", "body", "is_new", "job_id", "since")

    def __init__(self, lease: Lease, begun: deque[Lease], done: deque[Lease]) -> None:
        self._lease = lease
        self._begun = begun
        self._done = done
        self._is_claimed = False
        self.job_id = lease.job_id
        self.body = lease.body
        self.is_new = lease.is_new
        self.since = lease.since

    @property
    def successor(self) -> int | None:
        return self._lease.successor

    def standing(self) -> Standing | None:
        return self._lease.standing()

    def touch(self) -> bool:
        return self._lease.touch()

    def swap(self, body: bytes) -> bool:
        held = self._lease.swap(body)
        self.job_id, self.body, self.since = self._lease.job_id, self._lease.body, self._lease.since
        return held

    def delete(self) -> bool:
        if not self._is_ours():
            return False
        self._done.append(self._lease)
        return True

    def release(self, delay: int, body: bytes | None = None) -> bool:
        return self._is_ours() and self._lease.release(delay, body)

    def bury(self, body: bytes | None = None) -> bool:
        return self._is_ours() and self._lease.bury(body)

    def _is_ours(self) -> bool:
        """Whether its job was not given back meanwhile. From now on it cannot be."""
        if not self._is_claimed:
            try:
                self._begun.pop()
            except IndexError:
                return False
            self._is_claimed = True
        return True


Hold = Callable[[Lease, deque[Lease], deque[Lease]], Held]


class Hand:
    """Of one slot. `lighten` may be called by another thread while a call runs, the rest by the slot's own."""

    def __init__(self, source: Source, hold: Hold = Held) -> None:
        """`hold` makes what a job is held in."""
        self._source = source
        self._hold = hold
        self._waiting: deque[Lease] = deque()
        self._begun: deque[Lease] = deque()
        """The lease whose call runs: whoever takes it out settles it."""
        self._done: deque[Lease] = deque()
        self._settling: list[Lease] | None = None
        """Those whose deletes are under way while more jobs have been asked for, that have not been looked at yet."""
        self._lock = Lock()
        self.portion = 0
        """Which one is in hand, so that who looks twice sees whether it is still the same."""

    def take_up(self, leases: Sequence[Lease]) -> None:
        """A new portion."""
        self.portion += 1
        self._waiting.extend(leases)

    @property
    def has_more(self) -> bool:
        """Whether there may be jobs that nobody has begun with."""
        return bool(self._waiting) or self._settling is not None

    def drop(self) -> None:
        """The connection is lost, and all leases with it."""
        self._waiting.clear()
        self._begun.clear()
        self._done.clear()
        self._settling = None

    def next(self) -> Held | None:
        """The next job that nobody has begun with; whoever does so deletes it or settles it otherwise."""
        try:
            lease = self._waiting.popleft()
        except IndexError:
            return None
        self._begun.append(lease)
        return self._hold(lease, self._begun, self._done)

    def ask_ahead(self, count: int) -> None:
        """Settle what is done, and ask for up to `count` more, which the server hands out while the calls of this
        portion are made. `go_on` brings them. Raises Unreachable.
        """
        with self._lock:
            done = self._drained()
            self._source.delete_and_ask(done, count)
            self._settling = done

    def go_on(self, count: int, *, wait: bool = True) -> list[Lease]:
        """What was asked for ahead. Where that is nothing: settle what is done, and take up to `count` more; one alone
        is only asked for if the source may be waited on. Raises Unreachable.
        """
        with self._lock:
            if self._settling is not None:
                if came := self._ahead():
                    return came
                count = 1  # nothing was ready just now
            wait = wait and count == 1
            done = self._drained()
            held, came = self._source.delete_and_take(done, 0 if wait else count, wait=wait)
        _tell(done, held)
        return came

    def lighten(self, portion: int, delay: int = 0) -> None:
        """Settle what is done, and give back what nobody has begun with, if this portion is still in hand.

        `delay`: seconds until others may take it.
        """
        with self._lock:
            if portion != self.portion or not (self._done or self.has_more):
                return  # all of it is settled, and the slot may be waiting by now: its connection is not to be used
            unbegun: list[Lease] = []
            with suppress(IndexError):
                while True:
                    unbegun.append(self._waiting.pop())
            with suppress(Unreachable):  # then the server has taken back everything by itself
                unbegun += self._ahead()
                done = self._drained()
                held, _ = self._source.delete_and_take(done, 0, wait=False)
                _tell(done, held)
                for lease in unbegun:
                    lease.release(delay)

    def give_back(self) -> bool:
        """The process is about to end: give back also what runs. Whether anything did; then it must get no further."""
        runs = [self._begun.pop() for _ in range(len(self._begun))]
        self.lighten(self.portion, LAST_SECONDS)
        for lease in runs:
            with suppress(Unreachable):
                lease.release(LAST_SECONDS)
        return bool(runs)

    def _ahead(self) -> list[Lease]:
        settling, self._settling = self._settling, None
        if settling is None:
            return []
        held, came = self._source.answered()
        _tell(settling, held)
        return came

    def _drained(self) -> list[Lease]:
        return [self._done.popleft() for _ in range(len(self._done))]


def _tell(done: Sequence[Lease], held: Sequence[bool]) -> None:
    for lease, still in zip(done, held, strict=True):
        if not still:
            lost(f"job {lease.job_id}")
