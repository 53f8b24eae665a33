"""What a send gives back: the message's id at once, and what became of it."""

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ayl.engines.base import Engine
    from ayl.engines.submissions import Receipt
    from ayl.errors import NotConfigured, NotSubmitted


class State(StrEnum):
    """Where a message is, as its sender knows it."""

    UNCOMMITTED = "waits for a commit"
    BATCHED = "waits in a batch"
    LEAVING = "leaves with its batch"
    """Too late to drop it, too early to ask for it back."""
    SUBMITTED = "submitted"
    SPOOLED = "spooled"
    """No server answered; it lies on this machine's disk until one does."""
    RAN = "ran"
    """In place, where it was sent (the engine `synchronous`)."""
    STARTED = "started"
    """In a thread of this process (the engine `thread`)."""
    REFUSED = "refused"
    """`Handle.error` tells why."""
    DROPPED = "dropped"
    """Its transaction was rolled back."""
    CANCELLED = "cancelled"


HELD_BACK = frozenset({State.UNCOMMITTED, State.BATCHED})
"""It has not left this process yet."""

WAITING = frozenset({State.SUBMITTED, State.SPOOLED, State.STARTED})
"""Somebody has it, who may not have begun with it."""


class Handle:
    """A call that was sent."""

    state = State.BATCHED
    error: "NotSubmitted | NotConfigured | None" = None
    """Why no server took it (in a batch or after a commit; a single send raises it)."""
    _engine: "Engine | None" = None
    _receipt: "Receipt | None" = None

    def __init__(self, message_id: str, tube: str) -> None:
        self.id = message_id
        """The message's id (UUID version 7), known at once and the same wherever the message goes."""
        self.tube = tube

    @property
    def job_id(self) -> int | None:
        """The server's id of the job; None while, or when, no server has it."""
        return None if self._receipt is None else self._receipt.job_id

    def accepted(self, engine: "Engine", receipt: "Receipt") -> None:
        """For who delivers: the engine has taken the message."""
        self._engine, self._receipt, self.state = engine, receipt, receipt.state

    def raised(self) -> None:
        """For who delivers: the call was made in place and raised; nobody may think that it can still be taken back."""
        self.state = State.RAN

    def refused(self, error: "NotSubmitted | NotConfigured") -> None:
        """For who delivers: no server has taken the message."""
        self.error, self.state = error, State.REFUSED

    def cancel(self) -> bool:
        """Take the call back, if nobody has begun it; whether that was so.

        A message that waits for a commit or in a batch is dropped here; one that was submitted is deleted from the
        server unless a worker holds it; one that was spooled is taken from the spool; one for a thread of this process
        is forgotten unless it has begun. One that is just leaving with its batch cannot be taken back. Raises
        Unreachable if the server that has it does not answer.
        """
        if self.state in HELD_BACK:
            self.state = State.CANCELLED
            return True
        if self._engine is None or self._receipt is None or self.state not in WAITING:
            return False
        if not self._engine.withdraw(self._receipt, self.id):
            return False
        self.state = State.CANCELLED
        return True

    def job_state(self) -> str | None:
        """What the server says of the job now: ready, reserved, delayed or buried.

        None if it has no such job: it is done, was deleted, has not come there, or is another job since its call has
        failed. Raises Unreachable if the server does not answer.
        """
        if self._engine is None or self._receipt is None or self._receipt.job_id is None:
            return None
        return self._engine.job_state(self._receipt, self.id)

    def __repr__(self) -> str:
        job = "" if self.job_id is None else f" as job {self.job_id}"
        reason = f": {self.error}" if self.error else ""
        return f"<ayl.Handle {self.id} in {self.tube}, {self.state}{job}{reason}>"
