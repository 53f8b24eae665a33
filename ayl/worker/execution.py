"""One job: decode it, make the call, settle the lease."""

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from functools import partial
from random import random
from typing import Any, NamedTuple, Protocol, TypeVar

from ayl import life as lives
from ayl import message as messages
from ayl.calling import is_for_a_loop, perform, perform_on_loop, rules_for
from ayl.engines.base import Lease
from ayl.errors import Bury, CannotRun, Decay, NotTrusted, Unavailable, Undecodable, Unreachable
from ayl.failures import (
    Buried,
    Delayed,
    Deleted,
    Outcome,
    Policy,
    decide,
    killed,
    number,
    refusal,
    remembered,
    told,
)
from ayl.frameworks import around_coroutine, around_job
from ayl.life import Life, Past
from ayl.message import Control, Message
from ayl.reporting import report
from ayl.settings import Settings
from ayl.worker.settling import settle
from ayl.worker.terms import Slot

log = logging.getLogger("ayl.worker")


T = TypeVar("T")


class Next(Enum):
    """What the worker does after a job."""

    GO_ON = "go on"
    EMPTY = "end, for nothing is ready"
    RETIRE = "end, and let nobody take the place"


ORDERS = {"exit": Next.RETIRE}
"""Control messages and what they make a worker do."""


class Threads(Protocol):
    """Where a loop has done what would hold it up."""

    async def call(self, function: Callable[[], T]) -> T:
        """What `function` returns, which is the app's and may take long."""

    async def settle(self, function: Callable[[], T]) -> T:
        """What `function` returns, which asks the server."""


@dataclass(slots=True)
class Counts:
    """What this worker has seen so far."""

    untrusted: int = 0
    """Jobs that were not signed, or not rightly, and were buried for that."""


counts = Counts()


def execute(lease: Lease, settings: Settings, slot: Slot, clear: Callable[[], object] = lambda: None) -> Next:
    """For a worker of that app: run the job and settle it. `clear` sees to it that this process has no other in hand:
    it is called before a job is run that must run alone.

    Only Unreachable comes out: then the server gives the job to another worker.
    """
    job = opened(lease, settings)
    if not isinstance(job, Job):
        return job()
    if is_admitted(job, clear):
        conclude(job, _made(job, slot))
    return Next.GO_ON


async def execute_on_loop(lease: Lease, settings: Settings, slot: Slot, threads: Threads) -> Next:
    """As `execute`, on the running loop, which nothing holds up: what may take long is done in threads."""
    job = opened(lease, settings)
    if not isinstance(job, Job):
        return await threads.settle(job)
    if job.may_have_killed and not await threads.settle(partial(is_admitted, job, lambda: None)):
        return Next.GO_ON
    if not job.message.time_to_run:
        await threads.settle(lease.standing)  # the slot asks for it, and has it then
    if is_for_a_loop(job.message):
        ended = await _made_on_loop(job, slot)
    else:
        ended = await threads.call(partial(_made, job, slot))
    if ended.error is None:
        conclude(job, ended)
    else:
        await threads.settle(partial(conclude, job, ended))
    return Next.GO_ON


def opened(lease: Lease, settings: Settings) -> "Job | Callable[[], Next]":
    """The call that a job asks for; or else what is to be done with the job, which may take a while."""
    try:
        # First of all: nothing of a body is read that nobody vouches for.
        if settings.secrets is not None:
            settings.secrets.verify(settings.app, lease.body, time.time())
        message = messages.decode(lease.body)
        life = lives.read(lease.body)
    except NotTrusted as error:
        counts.untrusted += 1
        reason = f"{error} (untrusted jobs so far: {counts.untrusted})"
        return partial(_bury, reason, _Facts(lease, error=error))
    except Undecodable as error:
        return partial(_bury, str(error), _Facts(lease, error=error))
    if isinstance(message, Control):
        return partial(_obey, lease, message)
    if settings.app and message.app != settings.app:
        reason = f"a message of the app {message.app!r}; this worker is of {settings.app!r}"
        return partial(_bury, reason, _Facts(lease, message))
    return Job(lease, message, life)


def _bury(reason: str, facts: "_Facts") -> Next:
    _settle(facts.lease, Buried(reason), facts)
    return Next.GO_ON


def _obey(lease: Lease, order: Control) -> Next:
    after = ORDERS.get(order.do)
    if after is None:
        _settle(lease, Buried(f"no such order to a worker: {order.do!r}"), _Facts(lease))
        return Next.GO_ON
    # Settled before it is obeyed, so that it makes one worker end and not one after the other.
    _settle(lease, Deleted(), _Facts(lease))
    log.info("%s, as job %d asks", after.value, lease.job_id)
    return after


class Job(NamedTuple):
    """A call of ours that is to be made."""

    lease: Lease
    message: Message
    life: Life

    @property
    def may_have_killed(self) -> bool:
        """Whether it may have killed its worker before: nobody is told that but by the server's counts."""
        return not (self.lease.is_new and self.life == lives.NEW)


class Ended(NamedTuple):
    """A call that was made."""

    error: BaseException | None
    seconds: float


def is_admitted(job: Job, clear: Callable[[], object]) -> bool:
    """Whether the call may be made; what has killed too many workers is buried. May ask the server."""
    if job.may_have_killed:
        past = lives.past(job.life, job.lease.standing())
        if (poison := refusal(past, job.life.why)) is not None:
            _settle(job.lease, Buried(str(poison)), _Facts(job.lease, job.message, job.life, poison))
            return False
        if past.alone:
            clear()
    return True


def _made(job: Job, slot: Slot) -> Ended:
    started = time.perf_counter()
    error: BaseException | None = None
    try:
        slot.make(job.lease, job.message, job.life, partial(_perform, job.message))
    except BaseException as raised:  # noqa: BLE001 - all of it is the policy's business; signals raise nothing
        error = raised
    return Ended(error, time.perf_counter() - started)


async def _made_on_loop(job: Job, slot: Slot) -> Ended:
    started = time.perf_counter()
    error: BaseException | None = None
    try:
        await slot.make_on_loop(job.lease, job.message, job.life, _perform_on_loop(job.message))
    except BaseException as raised:  # noqa: BLE001 - as above
        error = raised
    return Ended(error, time.perf_counter() - started)


def conclude(job: Job, ended: Ended) -> None:
    """Settle a call that has ended."""
    lease, message, life, error, seconds = job.lease, job.message, job.life, ended.error, ended.seconds
    if error is None and lease.delete():
        if log.isEnabledFor(logging.DEBUG):
            log.debug("%s done in %.3f s", _label(lease, message), seconds)
        return
    if error is None:
        lost(_label(lease, message))
        return
    fail(lease, message, life, error, seconds)


def _perform(message: Message) -> None:
    with around_job():
        perform(message)


async def _perform_on_loop(message: Message) -> None:
    async with around_coroutine():
        await perform_on_loop(message)


def fail(lease: Lease, message: Message, life: Life, error: BaseException, seconds: float) -> None:
    """Settle the job of a call that ended with `error` after so many seconds, by policy. Raises Unreachable."""
    # The traceback of a message that cannot run would show our own code, which is not what is wrong.
    own_fault = not isinstance(error, (CannotRun, Unavailable, Decay, Bury))
    log.warning("%s failed after %.3f s", _label(lease, message), seconds, exc_info=error if own_fault else None)
    facts = _Facts(lease, message, life, error)
    policy = Policy(message.failed_job_handler, message.failed_job_delay, message.failed_job_count)
    try:
        past = facts.past()
    except Unreachable:
        report(None, message, error, facts)
        raise
    # Nobody is to guess it, but it keeps no secret.
    outcome = decide(policy, past, error, rules_for(message), random())  # noqa: S311
    _settle(lease, outcome, facts)


@dataclass(frozen=True, slots=True)
class _Facts:
    """One job whose call did not end well, and what is known of it."""

    lease: Lease
    message: Message | None = None
    life: Life | None = None
    """None for a job whose body is left as it is: it is not ours, or nobody can read it."""
    error: BaseException | None = None

    def past(self) -> Past:
        return lives.past(self.life or lives.NEW, self.lease.standing())

    def label(self) -> str:
        """For the log: the job, its call and how far it has come."""
        if self.message is None or self.life is None:
            return f"job {self.lease.job_id}"
        label = _label(self.lease, self.message)
        progress = told(self.past(), self.error, self.message.failed_job_count)
        successor = "" if self.lease.successor is None else f"now job {self.lease.successor}"
        told_of_it = ", ".join(filter(None, (progress, successor)))
        return f"{label} ({told_of_it})" if told_of_it else label

    def __call__(self) -> dict[str, Any]:
        """As events have them."""
        tries, kills, tube = 0, 0, ""
        with suppress(Unreachable):  # it was asked before it was settled; only of a lost job it may be asked again
            standing = self.lease.standing()
            if standing is not None:
                past = self.past()
                tries, kills, tube = number(past, self.error), killed(past, self.error), standing.tube
        return {"tries": tries, "kills": kills, "tube": tube, "job_id": self.lease.successor or self.lease.job_id}


def _settle(lease: Lease, outcome: Outcome, facts: _Facts) -> None:
    held = False
    try:
        life = None
        if facts.life is not None and not isinstance(outcome, Deleted):
            life = remembered(facts.past(), facts.error, outcome)
        held = settle(lease, facts.message, outcome, life)
        if held:
            _tell(facts.label(), outcome)
        else:
            lost(facts.label())
    finally:
        # Last, so that no hook holds up a lease; and also of a failure whose job the server has taken back.
        report(outcome if held else None, facts.message, facts.error, facts)


def _tell(label: str, outcome: Outcome) -> None:
    match outcome:
        case Deleted(reason):
            if reason:
                log.error("%s dropped: %s", label, reason)
        case Delayed(seconds, reason):
            log.warning("%s comes back in %d s: %s", label, seconds, reason)
        case Buried(reason):
            log.error("%s buried: %s", label, reason)


def lost(label: str) -> None:
    """Say that a job was settled too late."""
    log.warning("%s: the job was no longer ours: its time to run was over, and it runs again, or it was deleted", label)


def _label(lease: Lease, message: Message) -> str:
    text = messages.human(message)
    return f"job {lease.job_id} {text if len(text) <= 200 else text[:200] + '…'}"
