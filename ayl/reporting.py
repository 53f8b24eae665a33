"""What the app's notification hooks hear of a call that did not end well, once it is known what becomes of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ayl import message as messages
from ayl.errors import Bury, CannotRun, Decay
from ayl.failures import Buried, Delayed, Deleted, Outcome, describe
from ayl.listeners import BURIALS, FAILURES

if TYPE_CHECKING:
    from ayl.message import Message
    from ayl.notifications import Fate

FATES: dict[type[Outcome], Fate] = {Deleted: "dropped", Delayed: "retried", Buried: "buried"}

NO_FAILURE = (CannotRun, Decay, Bury)
"""A call that was never made, or that said itself what shall become of its job."""

Facts = Callable[[], dict[str, Any]]
"""What is known of the job besides, by the names of the events' fields. Asked only if somebody listens."""


def report(outcome: Outcome | None, message: Message | None, error: BaseException | None, facts: Facts) -> None:
    """Tell the hooks. `outcome` is None if the job was lost to another worker, `message` if it has none to trust."""
    if error is not None and not isinstance(error, NO_FAILURE) and FAILURES:
        from ayl.notifications import FailureEvent  # who has registered a function has loaded it

        FAILURES.notify(
            FailureEvent(
                **_known(message, error, facts),
                reason=describe(error),
                fate="lost" if outcome is None else FATES[type(outcome)],
                retry_in=outcome.seconds if isinstance(outcome, Delayed) else None,
            )
        )
    if isinstance(outcome, Buried) and BURIALS:
        from ayl.notifications import BuryEvent  # as above

        BURIALS.notify(BuryEvent(**_known(message, error, facts), reason=messages.one_line(outcome.reason)))


def _known(message: Message | None, error: BaseException | None, facts: Facts) -> dict[str, Any]:
    known = facts() | {"exception": error}
    if message is not None:
        known |= {"call": messages.human(message), "message_id": message.id, "app": message.app}
    return known
