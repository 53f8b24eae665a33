"""Notification hooks, in the place of Ruby ayl's Mailer: functions of the app that hear of trouble.

    @ayl.on_bury
    def tell(event: BuryEvent) -> None:
        send_mail("ops@example.com", subject=str(event))

A hook is called with one event, after the job was settled (its lease can no longer be lost, however long a hook takes)
and at most once for each event: if the process is killed in between, the log alone has it. What a hook raises is logged
and changes nothing.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeVar

from ayl.listeners import BURIALS, FAILURES, OUTAGES
from ayl.options import Unreachable

if TYPE_CHECKING:
    from ayl.engines.submissions import Submission

Fate = Literal["retried", "dropped", "buried", "lost"]
"""Of a job whose call failed: it comes back after `retry_in` seconds; it was deleted, as its failed_job_handler says;
it was put aside; or it was no longer this worker's, and may be running elsewhere.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobEvent:
    """What is known of a job. It can be made by hand, to test a hook."""

    call: str = ""
    """As Python would write it, `shop.Order.find(42).ship('ups')`; empty for a job that holds no message to trust."""
    reason: str = ""
    """One printable line."""
    message_id: str = ""
    app: str = ""
    tube: str = ""
    job_id: int | None = None
    """The server's, by which an operator finds it there: of the job that has taken its place, if one has."""
    tries: int = 0
    """How often its call was tried, this time included; 0 where that is not known."""
    kills: int = 0
    """How often its call has killed its worker, this time included."""
    exception: BaseException | None = None
    """What the call raised, or what kept it from being made; None for a job of another app."""
    host: str = field(default_factory=lambda: os.uname().nodename)
    """Where the worker runs."""
    pid: int = field(default_factory=os.getpid)

    @property
    def what(self) -> str:
        """The call, or else the job; for a subject line."""
        return self.call or f"job {self.job_id}"

    def _kills(self) -> str:
        return f", {self.kills} kill{'s' * (self.kills != 1)}" if self.kills else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureEvent(JobEvent):
    """A call was made and raised, or could not be made now, its database being away."""

    fate: Fate = "retried"
    retry_in: int | None = None
    """Seconds, if it is tried again."""

    def __str__(self) -> str:
        fate = FATES[self.fate].format(self.retry_in)
        job = "" if self.job_id is None else f", job {self.job_id}"
        return f"{self.what} failed (try {self.tries}{self._kills()}{job}), {fate}: {self.reason}"


@dataclass(frozen=True, slots=True, kw_only=True)
class BuryEvent(JobEvent):
    """A job was given up, and waits for an operator in the server; one without a `job_id` is lost (engine `thread`)."""

    def __str__(self) -> str:
        tries = f"after {self.tries} tries, " if self.tries > 1 else ""
        place = "and no server has it" if self.job_id is None else f"job {self.job_id} in {self.tube}"
        return f"{self.what} was buried ({tries}{place}{self._kills()}): {self.reason}"


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreachableEvent:
    """No server answers the sends of this process."""

    server: str
    """As the engine's URL names it."""
    reason: str = ""
    """One printable line."""
    policy: Unreachable = "raise"
    """What becomes of the first of the calls."""
    calls: int = 1
    """How many were being sent when it was noticed; there may be more of them to come."""
    tube: str = ""
    """Of the first of the calls."""
    host: str = field(default_factory=lambda: os.uname().nodename)
    """Where the sender runs."""
    pid: int = field(default_factory=os.getpid)

    def __str__(self) -> str:
        return f"{self.reason} ({self.calls} calls for {self.tube}, unreachable={self.policy!r})"


FATES: dict[Fate, str] = {
    "retried": "is tried again in {} s",
    "dropped": "was dropped",
    "buried": "was buried",
    "lost": "and was no longer this worker's",
}


Failure = TypeVar("Failure", bound=Callable[[FailureEvent], object])
Burial = TypeVar("Burial", bound=Callable[[BuryEvent], object])
Outage = TypeVar("Outage", bound=Callable[[UnreachableEvent], object])


def on_failure(function: Failure, /) -> Failure:
    """Function decorator: call this function whenever a call has failed, to be tried again or for the last time.

    It is called in the worker that made the call, once the job is settled. It is not called for what a call asked for
    (`ayl.Decay`, `ayl.Bury`). TypeError for a coroutine function.
    """
    FAILURES.add(function)
    return function


def on_bury(function: Burial, /) -> Burial:
    """Function decorator: call this function whenever a job is given up and put aside for an operator.

    It is called in the worker, once the job is buried: because its call failed for the last time or asked for it, or
    because it can never be made, be it only because its body is no message. TypeError for a coroutine function.
    """
    BURIALS.add(function)
    return function


def on_unreachable(function: Outage, /) -> Outage:
    """Function decorator: call this function when no server takes what this process sends.

    It is called in the sender, once, and again only if a server has taken something in between. The send goes on when
    it returns. TypeError for a coroutine function.
    """
    OUTAGES.add(function)
    return function


# For engines

_outages: dict[str, object] = {}


def outage(server: str, reason: str, submissions: "Sequence[Submission]") -> None:
    """No server took these messages. The hooks hear of it once, until `answered`."""
    if server not in _outages and submissions:
        first = submissions[0]
        notify_unreachable(
            UnreachableEvent(
                server=server, reason=reason, policy=first.unreachable, calls=len(submissions), tube=first.tube
            )
        )


def notify_unreachable(event: UnreachableEvent) -> None:
    """The same, with an event of the engine's making."""
    mine = object()
    # Of several threads that find out at once, one tells. A hook that sends in turn finds it told.
    if _outages.setdefault(event.server, mine) is mine:
        OUTAGES.notify(event)


def answered(server: str) -> None:
    """The server has taken a message: if it is lost again, that is news."""
    if _outages:
        _outages.pop(server, None)
