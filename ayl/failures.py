"""What becomes of a job after its call: a pure function, Ruby ayl's policy."""

from dataclasses import dataclass

from ayl.errors import Bury, CannotRun, Decay, Gone, NotConfigured, Unavailable
from ayl.message import one_line
from ayl.options import Handler


@dataclass(frozen=True, slots=True)
class Deleted:
    """The job is done with; `reason` is empty unless its failure was to be dropped."""

    reason: str = ""


@dataclass(frozen=True, slots=True)
class Delayed:
    """The job is tried again after `seconds`."""

    seconds: int
    reason: str


@dataclass(frozen=True, slots=True)
class Buried:
    """The job is put aside for an operator."""

    reason: str


Outcome = Deleted | Delayed | Buried


@dataclass(frozen=True, slots=True)
class Policy:
    """What a message says about its own failure."""

    handler: Handler = "decay"
    delay: int = 60
    """Seconds."""
    count: int = 3
    """Tries in all."""


GONE_YOUNG_SECONDS = 10
"""A job of less than this age may be ahead of the transaction that makes the objects it names."""

GONE_RETRY_SECONDS = 2


def decide(policy: Policy, reserves: int, age: int, error: BaseException | None) -> Outcome:
    """What becomes of a job of `age` seconds that was reserved `reserves` times and whose call ended with `error`, or
    well.

    What user code asked for (`Decay`, `Bury`) comes first; a job that can never run is buried and one whose
    objects cannot be reached is tried again, whatever its handler; the rest is the handler's.
    """
    if error is None:
        return Deleted()
    reason = describe(error)
    match error:
        case Decay():
            return Delayed(policy.delay if error.delay is None else error.delay, reason)
        case Gone(policy="discard"):
            return Deleted(reason)
        case Gone() if age < GONE_YOUNG_SECONDS and reserves <= 1:
            return Delayed(GONE_RETRY_SECONDS, reason)
        case Bury() | CannotRun():
            return Buried(reason)
        case Unavailable() | NotConfigured():
            # Not the call's fault but the worker's or its database's: no handler may drop it for that.
            return Delayed(policy.delay, reason)
    match policy.handler:
        case "delete":
            return Deleted(reason)
        case "decay" if reserves < policy.count:
            return Delayed(policy.delay, reason)
        case _:
            return Buried(reason)


def describe(error: BaseException) -> str:
    """One printable line for an operator, whatever the error holds."""
    kind = type(error).__name__
    try:
        text = one_line(str(error))
    except Exception:  # noqa: BLE001 - users' classes may fail even at this
        text = ""
    if isinstance(error, (CannotRun, Unavailable, NotConfigured, Bury, Decay)):
        return text or kind
    return f"{kind}: {text}" if text else kind
