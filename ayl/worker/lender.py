"""Lends jobs to the child of a process slot, over the relay's connection, and settles them as that asks.

When the child has died, it settles what is left by the policy of failures.
"""

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from math import inf
from time import monotonic
from typing import ClassVar

from ayl.engines.base import Lease, Source
from ayl.errors import AylError, MessageTooLarge, Refused, Unreachable
from ayl.settings import Settings
from ayl.worker.execution import Job, opened
from ayl.worker.frames import Head
from ayl.worker.loans import Loans
from ayl.worker.outcomes import fail, lost
from ayl.worker.tally import Tally
from ayl.worker.terms import TOUCHES

log = logging.getLogger("ayl.worker")

Answer = tuple[Head, Sequence[bytes]]

FAILURES = (Unreachable, Refused, MessageTooLarge)
"""Of the server; the child deals with them."""


def failed(error: AylError) -> Answer:
    """The answer that raises this in the child."""
    name = next(kind.__name__ for kind in FAILURES if isinstance(error, kind))
    return {"error": name, "text": str(error)}, ()


class Lender:
    """To one child after the other."""

    def __init__(self, source: Source, settings: Settings) -> None:
        self._source = source
        self._settings = settings
        self._loans = Loans()
        self.trouble = ""
        """Why the last job could not be taken."""
        self.ended = 0
        """Calls of the child."""
        self._kept: Lease | None = None
        self._kept_number = 0
        self._touch_at = inf

    # What the child asks

    def take(self, *, wait: bool) -> Answer | None:
        """A job for the child; None if the wait was ended or, without `wait`, if none is ready."""
        try:
            lease = self._source.take(wait=wait)
        except Unreachable as error:
            self.trouble = str(error)
            return failed(error)
        self.trouble = ""
        return None if lease is None else self._lent([], [lease])

    @property
    def proved(self) -> float:
        """When the server has last answered, of the monotonic clock."""
        return self._source.proved

    def lent(self, number: int) -> Lease | None:
        """The job of that number, if it is not settled."""
        return self._loans.get(number)

    def asked(self, head: Head, rest: bytes, *, more: bool) -> Answer:
        """All else. `more`: whether the child may have more jobs."""
        if not more:
            head |= {"ready": 0, "wait": False}
        try:
            return self._do[head["do"]](self, head, rest)
        except FAILURES as error:
            return failed(error)

    def _go_on(self, head: Head, _: bytes) -> Answer:
        numbers: list[int] = head["done"]
        leases = [lease for number in numbers if (lease := self._loans.get(number)) is not None]
        held, came = self._source.delete_and_take(leases, head["ready"], wait=head["wait"])
        still = dict(zip(map(id, leases), held, strict=True))
        told = [still.get(id(self._loans.get(number)), False) for number in numbers]
        self._loans.settled(*numbers)
        self.ended += len(numbers)
        return self._lent(told, came)

    def _standing(self, head: Head, _: bytes) -> Answer:
        lease = self._loans.get(head["job"])
        standing = None if lease is None else lease.standing()
        return {"standing": None if standing is None else standing.parts()}, ()

    def _touch(self, head: Head, _: bytes) -> Answer:
        lease = self._loans.get(head["job"])
        return {"held": lease is not None and lease.touch()}, ()

    def _swap(self, head: Head, rest: bytes) -> Answer:
        lease = self._loans.get(head["job"])
        if lease is None or not lease.swap(rest):
            return {"held": False}, ()
        return {"held": True, "job_id": lease.job_id, "since": lease.since}, ()

    def _release(self, head: Head, rest: bytes) -> Answer:
        return self._settled(head, lambda lease: lease.release(head["delay"], rest if head["replaced"] else None))

    def _bury(self, head: Head, rest: bytes) -> Answer:
        return self._settled(head, lambda lease: lease.bury(rest if head["replaced"] else None))

    def _settled(self, head: Head, settle: Callable[[Lease], bool]) -> Answer:
        lease = self._loans.get(head["job"])
        if lease is None:
            return {"held": False, "successor": None}, ()
        held = settle(lease)
        self._loans.settled(head["job"])
        self.ended += 1
        return {"held": held, "successor": lease.successor}, ()

    def _close(self, _head: Head, _rest: bytes) -> Answer:
        self.close()
        return {}, ()

    _do: ClassVar[dict[str, Callable[["Lender", Head, bytes], Answer]]] = {
        "go_on": _go_on,
        "standing": _standing,
        "touch": _touch,
        "swap": _swap,
        "release": _release,
        "bury": _bury,
        "close": _close,
    }

    def _lent(self, held: list[bool], leases: Sequence[Lease]) -> Answer:
        numbers = self._loans.lend(leases)
        facts = [
            (number, lease.job_id, lease.since, lease.is_new) for number, lease in zip(numbers, leases, strict=True)
        ]
        bodies = [lease.body for lease in leases]
        sizes = [*map(len, bodies)]
        return {"held": held, "jobs": facts, "sizes": sizes, "waited": self._source.waited, "stop": False}, bodies

    # Leases that are kept alive

    @property
    def touch_at(self) -> float:
        """When to renew a lease next (monotonic clock); infinity for never."""
        return self._touch_at

    def look(self, tally: Tally) -> bool:
        """See which call's lease is to be kept alive; whether that is another than at the last look, or none now."""
        number = tally.kept
        if number == self._kept_number:
            return False
        self._kept_number = number
        self._kept = self._loans.get(number)
        self._touch_at = inf if self._kept is None else self._kept.since + tally.seconds / TOUCHES
        return True

    def keep(self, tally: Tally) -> bool:
        """Renew that lease; False if it is lost."""
        now, held = monotonic(), False
        with suppress(Unreachable):
            held = self._kept is not None and self._kept.touch()
        self._touch_at = now + tally.seconds / TOUCHES if held else inf
        return held

    # The child's end

    def win_time(self, at: int) -> None:
        """For what is to be said of a job whose lease is about to end."""
        lease = self._loans.get(at)
        with suppress(Unreachable):
            if lease is not None:
                lease.touch()

    def inherit(self, at: int, error: AylError | None, delay: int = 0) -> bool:
        """Settle what a child has left that was at this job; whether its call was cut off. `error` is what has become
        of that call; None if it is nobody's fault. `delay`: seconds until others may have what is given back.
        """
        estate = self._loans.estate(at)
        try:
            if estate.done:
                held, _ = self._source.delete_and_take(estate.done, 0, wait=False)
                for lease, still in zip(estate.done, held, strict=True):
                    if not still:
                        lost(f"job {lease.job_id}")
            for lease in estate.unbegun:
                lease.release(delay)
            if estate.ran is not None:
                self._settle(estate.ran, error, delay)
        except Unreachable as trouble:
            log.warning("%s; what a process had that has ended is left to the server", trouble)
        self.close()  # a job may have been asked for that nobody waits for any more
        return estate.ran is not None

    def _settle(self, lease: Lease, error: AylError | None, delay: int) -> None:
        job = opened(lease, self._settings)
        if error is None or not isinstance(job, Job):
            lease.release(delay)
        else:
            fail(lease, job.message, job.life, error, monotonic() - lease.since)

    def close(self) -> None:
        """Let go of the connection; the server gives back whatever was held."""
        self._source.close()
        self._loans.drop()
        self._kept = None
        self._kept_number, self._touch_at = 0, inf
