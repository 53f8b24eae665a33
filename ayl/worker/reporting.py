"""What the app's notification hooks hear of a job, once it was settled."""

from contextlib import suppress
from typing import Any

from ayl import message as messages
from ayl.engines.base import Lease
from ayl.errors import Bury, CannotRun, Decay, Unreachable
from ayl.failures import Buried, Delayed, Deleted, Outcome, describe
from ayl.message import Message
from ayl.notifications import BURIALS, FAILURES, BuryEvent, FailureEvent, Fate

FATES: dict[type[Outcome], Fate] = {Deleted: "dropped", Delayed: "retried", Buried: "buried"}

NO_FAILURE = (CannotRun, Decay, Bury)
"""A call that was never made, or that said itself what shall become of its job."""


def report(lease: Lease, outcome: Outcome | None, message: Message | None, error: BaseException | None) -> None:
    """Tell the hooks what became of a job; `outcome` is None if its lease was lost, `message` if it has none to trust.

    Nothing comes out.
    """
    if error is not None and not isinstance(error, NO_FAILURE) and FAILURES:
        FAILURES.notify(
            FailureEvent(
                **_facts(lease, message, error),
                reason=describe(error),
                fate="lost" if outcome is None else FATES[type(outcome)],
                retry_in=outcome.seconds if isinstance(outcome, Delayed) else None,
            )
        )
    if isinstance(outcome, Buried) and BURIALS:
        BURIALS.notify(BuryEvent(**_facts(lease, message, error), reason=messages.one_line(outcome.reason)))


def _facts(lease: Lease, message: Message | None, error: BaseException | None) -> dict[str, Any]:
    tries, tube = 0, ""
    with suppress(Unreachable):  # it was asked before it was settled; only of a lost job it may have to be asked again
        tries, tube = lease.reserves(), lease.tube()
    facts = {"tries": tries, "tube": tube, "job_id": lease.job_id, "exception": error}
    if message is not None:
        facts |= {"call": messages.human(message), "message_id": message.id, "app": message.app}
    return facts
