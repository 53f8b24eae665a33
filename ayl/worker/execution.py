"""One job: decode it, make the call, settle the lease."""

import logging
import time
from collections.abc import Callable
from enum import Enum
from functools import partial
from threading import Lock
from typing import NamedTuple, Protocol, TypeVar

from ayl import life as lives
from ayl import logs
from ayl import message as messages
from ayl.calling import is_for_a_loop, perform, perform_on_loop
from ayl.engines.base import Lease
from ayl.errors import MessageTooLarge, NotTrusted, Refused, TimeToRunExceeded, Undecodable
from ayl.failures import Buried, Delayed, Deleted, backoff, is_poison, refusal
from ayl.frameworks import around_coroutine, around_job
from ayl.life import Life, Past
from ayl.message import Control, Message
from ayl.settings import Settings
from ayl.worker.outcomes import Facts, carry_out, fail, lost, named
from ayl.worker.settling import written_down
from ayl.worker.terms import Slot

log = logging.getLogger("ayl.worker")


T = TypeVar("T")


class Next(Enum):
    """What the worker does after a job."""

    GO_ON = "go on"
    EMPTY = "end, for nothing is ready"
    RETIRE = "end, and let nobody take the place"
    QUIET = "end, and let nobody take the place until the supervisor is told to resume"
    RENEW = "go on until another has taken the place"


ORDERS = {"exit": Next.RETIRE, "quiet": Next.QUIET, "restart": Next.RENEW}
"""Control messages and what they make a worker do."""


LONGEST_WAIT_SECONDS = 60
"""Until a call that is to be made alone is taken once more."""


class Threads(Protocol):
    """Where a loop has done what would hold it up."""

    async def call(self, function: Callable[[], T]) -> T:
        """What `function` returns, which is the app's and may take long."""

    async def settle(self, function: Callable[[], T]) -> T:
        """What `function` returns, which asks the server."""


class Counts:
    """What this worker process has seen so far; its slots count together."""

    def __init__(self) -> None:
        self.untrusted = 0
        """Jobs that were not signed, or not rightly, and were buried for that."""
        self._lock = Lock()

    def untrusted_too(self) -> int:
        """Another one; how many there are."""
        with self._lock:
            self.untrusted += 1
            return self.untrusted


counts = Counts()


def execute(lease: Lease, settings: Settings, slot: Slot) -> Next:
    """For a worker of that app: run the job and settle it.

    Only Unreachable comes out: then the server gives the job to another worker.
    """
    job = opened(lease, settings)
    if not isinstance(job, Job):
        return job()
    try:
        if (allowed := admitted(job, slot)) is not None:
            conclude(allowed, _made(allowed, slot))
    finally:
        slot.be_back()
    return Next.GO_ON


async def execute_on_loop(lease: Lease, settings: Settings, slot: Slot, threads: Threads) -> Next:
    """As `execute`, on the running loop, which nothing holds up: what may take long is done in threads."""
    job = opened(lease, settings)
    if not isinstance(job, Job):
        return await threads.settle(job)
    try:
        allowed = job if not _is_suspect(job, slot) else await threads.settle(partial(admitted, job, slot))
        if allowed is not None:
            await _make_and_conclude(allowed, slot, threads)
    finally:
        slot.be_back()
    return Next.GO_ON


async def _make_and_conclude(job: "Job", slot: Slot, threads: Threads) -> None:
    if not job.message.time_to_run:
        await threads.settle(job.lease.standing)  # the slot asks for it, and has it then
    if is_for_a_loop(job.message):
        ended = await _made_on_loop(job, slot)
    else:
        ended = await threads.call(partial(_made, job, slot))
    if ended.error is None:
        conclude(job, ended)
    else:
        await threads.settle(partial(conclude, job, ended))


def opened(lease: Lease, settings: Settings) -> "Job | Callable[[], Next]":
    """The call that a job asks for; or else what is to be done with the job, which may take a while."""
    try:
        # First of all: nothing of a body is read that nobody vouches for.
        if settings.secrets is not None:
            settings.secrets.verify(settings.app, lease.body, time.time())
        message = messages.decode(lease.body)
        life = lives.read(lease.body)
    except NotTrusted as error:
        reason = f"{error} (untrusted jobs so far: {counts.untrusted_too()})"
        return partial(_bury, reason, Facts(lease, error=error))
    except Undecodable as error:
        return partial(_bury, str(error), Facts(lease, error=error))
    told_app = message.app or (settings.app if isinstance(message, Control) else "")  # old orders do not say
    if settings.app and told_app != settings.app:
        reason = f"a message of the app {message.app!r}; this worker is of {settings.app!r}"
        return partial(_bury, reason, Facts(lease, None if isinstance(message, Control) else message))
    if isinstance(message, Control):
        return partial(_obey, lease, message)
    return Job(lease, message, life)


def _bury(reason: str, facts: "Facts") -> Next:
    carry_out(Buried(reason), facts)
    return Next.GO_ON


def _obey(lease: Lease, order: Control) -> Next:
    after = ORDERS.get(order.do)
    if after is None:
        carry_out(Buried(f"no such order to a worker: {order.do!r}"), Facts(lease))
        return Next.GO_ON
    # Settled before it is obeyed, so that it makes one worker end and not one after the other.
    carry_out(Deleted(), Facts(lease))
    log.info("%s, as job %d asks", after.value, lease.job_id)
    return after


class Job(NamedTuple):
    """A call of ours that is to be made."""

    lease: Lease
    message: Message
    life: Life


class Ended(NamedTuple):
    """A call that was made."""

    error: BaseException | None
    seconds: float


def _is_suspect(job: Job, slot: Slot) -> bool:
    """Whether it may have killed its worker before: nobody is told that but by the server's counts."""
    return not (job.lease.is_new and job.life == lives.NEW) or slot.has_overrun(job.lease)


def admitted(job: Job, slot: Slot) -> Job | None:
    """The call, as it is to be made; None if its job is settled: it overran, or has killed too many workers, or is to
    be made another time. May ask the server.
    """
    if not _is_suspect(job, slot):
        return job
    lease, message, life = job
    past = lives.past(life, lease.standing())
    if not past.is_suspect:
        return job
    if slot.has_overrun(lease):
        error = TimeToRunExceeded("the call could not be interrupted at its time to run, so its process was killed")
        fail(lease, message, life, error, message.time_to_run, was_killed=True)
        return None
    if (poison := refusal(past, life.why)) is not None:
        carry_out(Buried(str(poison)), Facts(lease, message, life, poison))
        return None
    slot.lighten()
    if not slot.is_sole and not past.must_be_alone(apart=slot.is_kept_apart):
        return job
    if slot.be_alone(message.time_to_run / 4):
        return _given_a_chance(job, past)
    seconds = backoff(1, past.returns + 1, 0.0, LONGEST_WAIT_SECONDS)
    reason = "it is to be made alone, for it may have killed its worker, and another call is"
    carry_out(Delayed(seconds, reason), Facts(lease, message, life))
    return None


def _given_a_chance(job: Job, past: Past) -> Job | None:
    """The call that is about to be made alone, with that written down in its job: so what happens to the worker from
    now on, and nothing else, is this call's doing. None if the job is settled.
    """
    lease, message, life = job
    chance = Life(past.tries, past.kills, life.why, alone=True)
    label = named(lease, message)
    try:
        if not written_down(chance, lease.body, lease.swap):
            lost(label)
            return None
        log.info("%s (now job %d) is made alone, for it may have killed its worker", label, lease.job_id)
        return Job(lease, message, lives.read(lease.body))
    except MessageTooLarge as error:
        log.warning("job %d is not changed, and does not remember that its call is made alone: %s", lease.job_id, error)
        if not is_poison(past.hangups, past.buries):
            return job
        carry_out(Buried(f"poison, for {past.hangups} workers died with it"), Facts(lease, message, life))
        return None
    except Refused:
        # A server before 1.12 cannot reserve it by its id, so whoever takes it next makes the call.
        return job if past.has_chance or not _put_with_a_chance(lease, chance) else None


def _put_with_a_chance(lease: Lease, chance: Life) -> bool:
    try:
        return written_down(chance, lease.body, partial(lease.release, 0))
    except (Refused, MessageTooLarge) as error:
        log.warning("job %d does not remember that its call is made alone: %s", lease.job_id, error)
        return False


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
            log.debug("%s done in %.3f s", named(lease, message), seconds, extra=logs.of(message))
        return
    if error is None:
        lost(named(lease, message))
        return
    fail(lease, message, life, error, seconds)


def _perform(message: Message) -> None:
    with around_job():
        perform(message)


async def _perform_on_loop(message: Message) -> None:
    async with around_coroutine():
        await perform_on_loop(message)
