"""The engine that runs messages in background threads of this process. Nothing outlives the process."""

import atexit
import logging
import os
import threading
from collections.abc import Sequence
from functools import partial
from random import random
from time import monotonic
from typing import NamedTuple
from weakref import WeakSet

from ayl import message as messages
from ayl.calling import perform, rules_for
from ayl.engines.query import count, parameters, seconds
from ayl.engines.schedule import Errand, Schedule
from ayl.engines.submissions import Receipt, Submission
from ayl.errors import Bury, CannotRun, Decay, NotConfigured, NotSubmitted, Refused, Unavailable
from ayl.failures import Buried, Delayed, Deleted, Policy, decide, number, told
from ayl.handle import State
from ayl.life import Past
from ayl.limits import limited
from ayl.reporting import report

log = logging.getLogger("ayl.thread")

MOST_THREADS = 1000


class Plan(NamedTuple):
    """What `thread?threads=COUNT&finish=SECONDS` says."""

    threads: int = 1
    """How many messages run at the same time. With one, a sender's messages run in the order of their sends."""
    finish: float = 10.0
    """Seconds that there are for what was accepted, when the process ends."""


def parse_plan(url: str) -> Plan:
    """NotConfigured if the URL makes no sense."""
    name, _, query = url.partition("?")
    try:
        if name != "thread":
            raise ValueError("use thread or thread?threads=COUNT&finish=SECONDS")
        given = parameters(query, Plan._fields)
        plan = Plan()
        if "threads" in given:
            plan = plan._replace(threads=count("threads", given["threads"], MOST_THREADS))
        if "finish" in given:
            plan = plan._replace(finish=seconds("finish", given["finish"]))
    except ValueError as error:
        raise NotConfigured(f"cannot understand the engine {url[:200]!r}: {error}") from None
    return plan


class ThreadEngine:
    """Runs messages through their bytes, as a worker does: delays, priorities, times to run and retries hold.

    There is no server that could keep what fails for good: what a worker would bury is lost, and logged as an error.
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._is_over = False
        self._begin()
        _engines.add(self)

    def _begin(self) -> None:
        self._schedule = Schedule()
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._running: list[Errand] = []
        self._threads = 0
        self._idle = 0
        self._ends_at: float | None = None  # while it is being closed; nothing later than this will be run

    def submit(self, submissions: Sequence[Submission]) -> list[Receipt | NotSubmitted]:
        now = monotonic()
        with self._lock:
            if self._is_over:
                return [Refused("the process ends: its threads take no more calls")] * len(submissions)
            try:
                self._hire(len(submissions) - self._idle)
            except RuntimeError as error:  # the system has no more threads; those that there are will do
                if not self._threads:
                    return [Refused(f"no thread can be started for the call: {error}")] * len(submissions)
            for submission in submissions:
                self._schedule.add(Errand(submission, now), now, submission.delay)
            self._changed.notify_all()
        return [Receipt(State.STARTED, place=f"process {os.getpid()}")] * len(submissions)

    def withdraw(self, receipt: Receipt, message_id: str) -> bool:
        with self._lock:
            return self._schedule.withdraw(message_id)

    def job_state(self, receipt: Receipt, message_id: str) -> str | None:
        return None

    def close(self) -> None:
        """Finish what was accepted, in the time of the plan; what cannot be is logged as lost."""
        with self._lock:
            ends_at = self._ends_at = monotonic() + self._plan.finish
            self._changed.notify_all()
            self._changed.wait_for(
                lambda: not self._running and self._schedule.is_empty_until(ends_at), self._plan.finish
            )
            lost, running = self._schedule.drain(), [*self._running]
            if not self._threads:
                self._ends_at = None
            self._changed.notify_all()
        for errand in lost:
            log.error("%s is lost: the process ends before it is due, or was run", _label(errand))
        for errand in running:
            log.error("%s still runs when the process ends: it may not come to its end", _label(errand))

    def end(self) -> None:
        """The same, when the process ends: nothing more is accepted then."""
        self.close()
        with self._lock:
            self._is_over = True
            late = self._schedule.drain()
        for errand in late:
            log.error("%s is lost: it was sent when the process ended", _label(errand))

    def _hire(self, wanted: int) -> None:
        for _ in range(min(self._plan.threads - self._threads, wanted)):
            threading.Thread(target=self._work, name="ayl", daemon=True).start()
            self._threads += 1

    def _work(self) -> None:
        lock = self._lock
        while (errand := self._next()) is not None:
            again = _run(errand)
            if lock is not self._lock:
                os._exit(0)  # a call has forked and came back in the child, too, where nothing of this is anybody's
            with lock:
                self._running.remove(errand)
                if again is not None:
                    self._schedule.add(again[0], monotonic(), again[1])
                self._changed.notify_all()

    def _next(self) -> Errand | None:
        """Wait for the next; None if this thread is not needed any more."""
        with self._lock:
            while True:
                now = monotonic()
                errand = self._schedule.take(now)
                if errand is not None:
                    self._running.append(errand)
                    return errand
                if self._ends_at is not None and not self._running and not self._schedule:
                    self._threads -= 1
                    if not self._threads:
                        self._ends_at = None  # whoever still has this engine may use it again
                    return None
                due = self._schedule.next_due()
                self._idle += 1
                self._changed.wait(None if due is None else min(due - now, threading.TIMEOUT_MAX))
                self._idle -= 1


def _run(errand: Errand) -> tuple[Errand, int] | None:
    """Make the call; what is to be tried again, and after how many seconds; None if it is done with."""
    submission = errand.submission
    message = messages.decode(submission.body)
    assert isinstance(message, messages.Message)  # noqa: S101 - it was made by us, a moment ago
    try:
        limited(submission.time_to_run, partial(perform, message))
    except BaseException as error:
        # All of it is the policy's business. Of a message that cannot run, the traceback would show our own code.
        own_fault = not isinstance(error, (CannotRun, Unavailable, Decay, Bury))
        log.warning("%s failed", _label(errand), exc_info=error if own_fault else None)
        policy = Policy(message.failed_job_handler, message.failed_job_delay, message.failed_job_count)
        past = Past(
            tries=errand.tries,
            returns=errand.returns,
            again=errand.tries + errand.returns > 0,
            age=int(monotonic() - errand.since),
        )
        outcome = decide(policy, past, error, rules_for(message), random())  # noqa: S311 - spreads load, no secret
        failure = error  # Python forgets the name of a handled error
    else:
        return None
    label = _label(errand) + (f" ({progress})" if (progress := told(past, failure, policy.count)) else "")
    match outcome:
        case Delayed(seconds, reason):
            log.warning("%s is tried again in %d s: %s", label, seconds, reason)
        case Buried(reason):
            log.error("%s is lost, there being no server to keep it: %s", label, reason)
        case Deleted(reason):
            log.error("%s is dropped: %s", label, reason)
    report(outcome, message, failure, lambda: {"tries": number(past, failure), "tube": submission.tube})
    if not isinstance(outcome, Delayed):
        return None
    if outcome.counts:
        return errand._replace(tries=errand.tries + 1, returns=0), outcome.seconds
    return errand._replace(returns=errand.returns + 1), outcome.seconds


def _label(errand: Errand) -> str:
    message = messages.decode(errand.submission.body)
    text = messages.human(message) if isinstance(message, messages.Message) else ""
    return f"message {errand.submission.id} {text if len(text) <= 200 else text[:200] + '…'}"


_engines: WeakSet[ThreadEngine] = WeakSet()


def _end_all() -> None:
    for engine in [*_engines]:
        engine.end()


def _begin_all() -> None:
    """In a forked child: what the parent has accepted is the parent's."""
    for engine in _engines:
        engine._begin()


atexit.register(_end_all)
os.register_at_fork(after_in_child=_begin_all)
