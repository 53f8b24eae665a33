"""What waits in the spool to a server that answers again: in order, in portions, by one process at a time."""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from math import ceil
from time import monotonic
from typing import NamedTuple

from ayl.engines.spool.directory import BRIEF_SECONDS, Missing
from ayl.engines.spool.records import Record
from ayl.engines.spool.segments import ASIDE, WAITING
from ayl.engines.spool.store import Spool, Waiting
from ayl.engines.submissions import Receipt, Submission
from ayl.errors import NotSubmitted, Refused, RefusedForNow, SpoolUnusable
from ayl.options import MAX_U32

log = logging.getLogger("ayl")

PORTION = (200, 2**18)
"""Calls, and bytes of their bodies, that are put in one go: what a crash may have put a second time."""

FIRST = (1, 1)
"""The same until a server is known to take them: what one that is frozen may do later, and answer to nobody."""

Submit = Callable[[Sequence[Submission]], Sequence[Receipt | Exception]]


class Drained(NamedTuple):
    """What a drain has done."""

    delivered: int = 0
    set_aside: int = 0
    """The server refused them for good."""
    rest: bool = False
    """Some may be left: the time was over, another process is delivering, or there was trouble."""
    trouble: NotSubmitted | None = None
    """Why it ended early."""


class Drain:
    """Delivers the calls that wait for one engine. A call leaves the spool only when the server has said INSERTED."""

    def __init__(self, spool: Spool, engine: str, submit: Submit, kind: str = WAITING) -> None:
        """`kind`: what waits, or (`ASIDE`) what was set aside, which is then tried once more."""
        self.spool = spool
        self.engine = engine
        self._submit = submit
        self._kind = kind
        self._most = FIRST
        self._seen: set[str] = set()  # ids that were delivered or withdrawn: the same message is put once
        self._passed: set[str] = set()  # places of calls that cannot be delivered and stay where they are

    def run(self, seconds: float, tell: Callable[[int], None] | None = None, patience: float = 0.0) -> Drained:
        """Deliver until nothing is left or the time is over, one portion at least.

        `tell` hears how many have been delivered; `patience`: seconds to wait for another process that delivers.
        """
        done = Drained()
        end = monotonic() + seconds
        try:
            if not self.spool.waits(self.engine, self._kind):
                return done
            while True:
                portion = self._portion(patience)
                done = Drained(
                    done.delivered + portion.delivered,
                    done.set_aside + portion.set_aside,
                    portion.rest,
                    portion.trouble,
                )
                if tell is not None and portion.delivered:
                    tell(done.delivered)
                if portion.trouble or not portion.delivered + portion.set_aside:
                    return done
                if monotonic() >= end:
                    return done._replace(rest=self._left())
        except Missing:  # somebody has removed it
            return done
        except SpoolUnusable as error:
            return done._replace(rest=True, trouble=error)

    def _left(self) -> bool:
        with self.spool.alone(self.engine, 0) as got:
            return not got or bool(self._turn(0.0))

    def _turn(self, patience: float) -> list[Waiting]:
        wait = max(patience, BRIEF_SECONDS)
        return self.spool.oldest(self.engine, self._kind, self._most, self._seen, self._passed, wait)

    def _portion(self, patience: float) -> Drained:
        with self.spool.alone(self.engine, patience) as got:
            if not got:
                return Drained(rest=True)
            while calls := self._turn(patience):
                doubles = self._doubles(calls)
                self.spool.settle(doubles)
                fresh = [call for call in calls if call not in doubles]
                if fresh:
                    return self._put(fresh)
            self._seen.clear()
            self._most = FIRST
            return Drained()

    def _put(self, calls: list[Waiting]) -> Drained:
        now = time.time()
        outcomes = self._submit([_submission(call.record, now) for call in calls])
        delivered, refused = [], []
        trouble: NotSubmitted | None = None
        for call, outcome in zip(calls, outcomes, strict=True):
            if isinstance(outcome, Receipt):
                delivered.append(call)
                self._seen.add(call.record.id)
            elif isinstance(outcome, Refused) and not isinstance(outcome, RefusedForNow):
                refused.append((call, outcome))
            elif isinstance(outcome, NotSubmitted):
                trouble = trouble or outcome
            else:
                raise outcome
        self._most = PORTION if trouble is None else FIRST
        self.spool.settle(delivered)
        for call, reason in refused:
            self._set_aside(call, str(reason))
        return Drained(len(delivered), len(refused), trouble is not None, trouble)

    def _set_aside(self, call: Waiting, reason: str) -> None:
        log.error("the call %s to %s is set aside in %s: %s", call.record.id, call.record.tube, self.spool.path, reason)
        if self._kind == ASIDE:
            self._passed.add(call.place)
            return
        try:
            self.spool.append([replace(call.record, reason=reason)], ASIDE)
        except SpoolUnusable as error:
            # It stays where it is and keeps nobody waiting; the next process tries again to put it aside.
            log.error("%s", error)
            self._passed.add(call.place)
        else:
            self.spool.settle([call])

    def _doubles(self, calls: Sequence[Waiting]) -> list[Waiting]:
        """Those whose message was delivered, or stands before them."""
        ids = set(self._seen)
        doubles = []
        for call in calls:
            if call.record.id in ids:
                doubles.append(call)
            ids.add(call.record.id)
        return doubles


def _submission(record: Record, now: float) -> Submission:
    """As it was sent; of its delay only what is left, and never more than all, though the clock was set back."""
    delay = min(MAX_U32, max(0, ceil(record.due - max(now, record.spooled))))
    return Submission(record.body, record.tube, record.priority, delay, record.time_to_run, record.id, "raise")
