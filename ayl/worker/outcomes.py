"""What becomes of a job whose call did not end well: decided by policy, told the server, the log and the hooks."""

import logging
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from ayl import life as lives
from ayl import logs
from ayl import message as messages
from ayl.calling import rules_for
from ayl.chance import chance
from ayl.engines.base import Lease
from ayl.errors import Bury, CannotRun, Decay, Unavailable, Unreachable
from ayl.failures import Buried, Delayed, Deleted, Outcome, Policy, decide, killed, number, remembered, told
from ayl.life import Life, Past
from ayl.message import Message
from ayl.reporting import report
from ayl.worker.settling import settle

log = logging.getLogger("ayl.worker")


def fail(
    lease: Lease, message: Message, life: Life, error: BaseException, seconds: float, *, was_killed: bool = False
) -> None:
    """Settle the job of a call that ended with `error` after so many seconds, by policy. Raises Unreachable.

    `was_killed`: its worker was killed for it, which is no kill of its own.
    """
    # The traceback of a message that cannot run would show our own code, which is not what is wrong.
    own_fault = not isinstance(error, (CannotRun, Unavailable, Decay, Bury))
    said = (named(lease, message), seconds)
    log.warning("%s failed after %.3f s", *said, exc_info=error if own_fault else None, extra=logs.of(message))
    facts = Facts(lease, message, life, error, was_killed)
    policy = Policy(message.failed_job_handler, message.failed_job_delay, message.failed_job_count)
    try:
        past = facts.past()
    except Unreachable:
        report(None, message, error, facts)
        raise
    outcome = decide(policy, past, error, rules_for(message), chance())
    carry_out(outcome, facts)


@dataclass(frozen=True, slots=True)
class Facts:
    """One job whose call did not end well, and what is known of it."""

    lease: Lease
    message: Message | None = None
    life: Life | None = None
    """None for a job whose body is left as it is: it is not ours, or nobody can read it."""
    error: BaseException | None = None
    was_killed: bool = False

    def past(self) -> Past:
        return lives.past(self.life or lives.NEW, self.lease.standing(), forgiven=int(self.was_killed))

    def label(self) -> str:
        """For the log: the job, its call and how far it has come."""
        if self.message is None or self.life is None:
            return f"job {self.lease.job_id}"
        label = named(self.lease, self.message)
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


def carry_out(outcome: Outcome, facts: Facts) -> None:
    """Settle the job so, and tell everybody who is to hear of it. Raises Unreachable."""
    held = False
    try:
        life = None
        if facts.life is not None and not isinstance(outcome, Deleted):
            life = remembered(facts.past(), facts.error, outcome)
        held = settle(facts.lease, facts.message, outcome, life)
        if held:
            _tell(facts.label(), outcome, None if facts.message is None else logs.of(facts.message))
        else:
            lost(facts.label())
    finally:
        # Last, so that no hook holds up a lease; and also of a failure whose job the server has taken back.
        report(outcome if held else None, facts.message, facts.error, facts)


def _tell(label: str, outcome: Outcome, extra: dict[str, str] | None) -> None:
    match outcome:
        case Deleted(reason):
            if reason:
                log.error("%s dropped: %s", label, reason, extra=extra)
        case Delayed(seconds, reason):
            log.warning("%s comes back in %d s: %s", label, seconds, reason, extra=extra)
        case Buried(reason):
            log.error("%s buried: %s", label, reason, extra=extra)


def lost(label: str) -> None:
    """Say that a job was settled too late."""
    log.warning("%s: the job was no longer ours: its time to run was over, and it runs again, or it was deleted", label)


def named(lease: Lease, message: Message) -> str:
    """A job and its call, for the log."""
    text = messages.human(message)
    return f"job {lease.job_id} {text if len(text) <= 200 else text[:200] + '…'}"
