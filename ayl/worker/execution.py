"""One job: decode it, make the call, settle the lease."""

import logging
import time
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from functools import partial
from typing import Any

from ayl import message as messages
from ayl.calling import perform
from ayl.engines.base import Lease
from ayl.errors import Bury, CannotRun, Decay, NotTrusted, Unavailable, Undecodable, Unreachable
from ayl.failures import Buried, Delayed, Deleted, Outcome, Policy, decide
from ayl.frameworks import around_job
from ayl.message import Control, Message
from ayl.reporting import report
from ayl.settings import Settings

log = logging.getLogger("ayl.worker")


class Next(Enum):
    """What the worker does after a job."""

    GO_ON = "go on"
    RETIRE = "end, and let nobody take the place"


ORDERS = {"exit": Next.RETIRE}
"""Control messages and what they make a worker do."""


@dataclass(slots=True)
class Counts:
    """What this worker has seen so far."""

    untrusted: int = 0
    """Jobs that were not signed, or not rightly, and were buried for that."""


counts = Counts()


def execute(lease: Lease, settings: Settings) -> Next:
    """For a worker of that app: run the job and settle it.

    Only Unreachable comes out: then the server gives the job to another worker.
    """
    try:
        # First of all: nothing of a body is read that nobody vouches for.
        if settings.secrets is not None:
            settings.secrets.verify(settings.app, lease.body, time.time())
        message = messages.decode(lease.body)
    except NotTrusted as error:
        counts.untrusted += 1
        reason = f"{error} (untrusted jobs so far: {counts.untrusted})"
        _settle(lease, Buried(reason), f"job {lease.job_id}", error=error)
        return Next.GO_ON
    except Undecodable as error:
        _settle(lease, Buried(str(error)), f"job {lease.job_id}", error=error)
        return Next.GO_ON
    if isinstance(message, Control):
        return _obey(lease, message)
    if settings.app and message.app != settings.app:
        reason = f"a message of the app {message.app!r}; this worker is of {settings.app!r}"
        _settle(lease, Buried(reason), f"job {lease.job_id}", message)
    else:
        _run(lease, message)
    return Next.GO_ON


def _obey(lease: Lease, order: Control) -> Next:
    after = ORDERS.get(order.do)
    if after is None:
        _settle(lease, Buried(f"no such order to a worker: {order.do!r}"), f"job {lease.job_id}")
        return Next.GO_ON
    # Settled before it is obeyed, so that it makes one worker end and not one after the other.
    _settle(lease, Deleted(), f"order {order.do!r}")
    log.info("%s, as job %d asks", after.value, lease.job_id)
    return after


def _run(lease: Lease, message: Message) -> None:
    started = time.perf_counter()
    error: BaseException | None = None
    try:
        with around_job():
            perform(message)
    except BaseException as raised:  # noqa: BLE001 - all of it is the policy's business; signals raise nothing
        error = raised
    seconds = time.perf_counter() - started
    if error is None and lease.delete():
        if log.isEnabledFor(logging.DEBUG):
            log.debug("%s done in %.3f s", _label(lease, message), seconds)
        return
    label = _label(lease, message)
    if error is None:
        lost(label)
        return
    # The traceback of a message that cannot run would show our own code, which is not what is wrong.
    own_fault = not isinstance(error, (CannotRun, Unavailable, Decay, Bury))
    log.warning("%s failed after %.3f s", label, seconds, exc_info=error if own_fault else None)
    policy = Policy(message.failed_job_handler, message.failed_job_delay, message.failed_job_count)
    try:
        outcome = decide(policy, lease.reserves(), lease.age(), error)
    except Unreachable:
        report(None, message, error, partial(_facts, lease))
        raise
    _settle(lease, outcome, label, message, error)


def _settle(
    lease: Lease,
    outcome: Outcome,
    label: str,
    message: Message | None = None,
    error: BaseException | None = None,
) -> None:
    held = False
    try:
        match outcome:
            case Deleted(reason):
                held = lease.delete()
                if held and reason:
                    log.error("%s dropped: %s", label, reason)
            case Delayed(seconds, reason):
                held = lease.release(seconds)
                if held:
                    log.warning("%s comes back in %d s: %s", label, seconds, reason)
            case Buried(reason):
                held = lease.bury()
                if held:
                    log.error("%s buried: %s", label, reason)
        if not held:
            lost(label)
    finally:
        # Last, so that no hook holds up a lease; and also of a failure whose job the server has taken back.
        report(outcome if held else None, message, error, partial(_facts, lease))


def _facts(lease: Lease) -> dict[str, Any]:
    tries, tube = 0, ""
    with suppress(Unreachable):  # it was asked before it was settled; only of a lost job it may have to be asked again
        tries, tube = lease.reserves(), lease.tube()
    return {"tries": tries, "tube": tube, "job_id": lease.job_id}


def lost(label: str) -> None:
    """Say that a job was settled too late."""
    log.warning("%s: the job was no longer ours: its time to run was over, and it runs again, or it was deleted", label)


def _label(lease: Lease, message: Message) -> str:
    text = messages.human(message)
    return f"job {lease.job_id} {text if len(text) <= 200 else text[:200] + '…'}"
