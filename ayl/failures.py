"""What becomes of a job after its call: pure functions. Chance is an argument, like everything else.

the call                                        the job
ended well                                      is deleted
raised Decay                                    comes back when it says; that is no try
raised Bury                                     is buried
names what is gone                              as its class says; once, if it is young, it comes back
can never run                                   is buried
found its database away                         comes back, ever later; that is no try
has killed its worker                           comes back, ever later, and is buried as poison at the third time
raised anything else, or overran its time       as a rule of its code says, or else its failed_job_handler:
  retry, decay                                  comes back, ever later, and is buried after the last of its tries
  discard, delete                               is deleted
  bury                                          is buried
"""

from collections.abc import Sequence

import msgspec

from ayl.errors import Bury, CannotRun, Decay, Gone, NotConfigured, Poison, Unavailable, WorkerDied
from ayl.life import MOST_WHY, Life, Past
from ayl.message import one_line
from ayl.options import MAX_U32, Handler
from ayl.treatments import Rules, Treatment, treatment


class Deleted(msgspec.Struct, frozen=True, gc=False):
    """The job is done with; `reason` is empty unless its failure was to be dropped."""

    reason: str = ""


class Delayed(msgspec.Struct, frozen=True, gc=False):
    """The job is tried again after `seconds`."""

    seconds: int
    reason: str
    counts: bool = False
    """Whether that was one of its tries, or a kill, which must be remembered."""


class Buried(msgspec.Struct, frozen=True, gc=False):
    """The job is put aside for an operator."""

    reason: str


Outcome = Deleted | Delayed | Buried


class Policy(msgspec.Struct, frozen=True, gc=False):
    """What a message says about its own failure."""

    handler: Handler = "decay"
    delay: int = 60
    """Seconds."""
    count: int = 3
    """Tries in all."""


HANDLED: dict[str, Treatment] = {"delete": "discard", "decay": "retry", "bury": "bury"}
"""A failed_job_handler, and what it asks for where no rule does."""

GONE_YOUNG_SECONDS = 10
"""A job of less than this age may be ahead of the transaction that makes the objects it names."""

GONE_RETRY_SECONDS = 2

JITTER = 0.25
"""Of a delay, which is made longer by a random part up to this: what failed together shall not come back together."""

LONGEST_SECONDS = 3600
"""Delays grow up to this, unless failed_job_delay itself is longer. Jitter comes on top."""

LONGEST_UNAVAILABLE_SECONDS = 600
"""The same for a call whose database is away, which is to be made soon after that is back."""

MOST_KILLS = 3
"""A call that has killed its worker so often is poison."""

UNTRIED = (CannotRun, Unavailable, NotConfigured, Decay, WorkerDied)
"""What is not one of a call's tries: it was not made, has asked for more time, or is counted as a kill."""


def backoff(delay: int, number: int, chance: float, longest: int = LONGEST_SECONDS) -> int:
    """Seconds before the next try, after `number` of them (from 1): `delay`, doubled each time up to `longest`, and
    then up to a quarter more, by `chance` (0 to 1). Never less than `delay`.
    """
    # The number may be forged: a power of it could fill the memory.
    grown = min(delay << min(max(0, number - 1), 32), max(delay, longest))
    return min(MAX_U32, grown + int(grown * JITTER * chance))


def decide(
    policy: Policy, past: Past, error: BaseException | None, rules: Sequence[Rules] = (), chance: float = 0.0
) -> Outcome:
    """What becomes of a job with that past whose call ended with `error`, or well.

    `rules` are those of the code that was called, those first that are asked first. `chance` is a random number from 0
    to 1.
    """
    if error is None:
        return Deleted()
    reason = describe(error)
    match error:
        case Decay():
            return Delayed(policy.delay if error.delay is None else error.delay, reason)
        case Gone(policy="discard"):
            return Deleted(reason)
        case Gone() if past.age < GONE_YOUNG_SECONDS and not past.again:
            return Delayed(GONE_RETRY_SECONDS, reason)
        case Bury() | CannotRun():
            return Buried(reason)
        case Unavailable() | NotConfigured():
            # Not the call's fault but the worker's or its database's: no handler may drop it for that.
            seconds = backoff(max(1, policy.delay), past.returns + 1, chance, LONGEST_UNAVAILABLE_SECONDS)
            return Delayed(seconds, reason)
        case WorkerDied():
            kills = killed(past, error)
            if is_poison(kills, past.buries):
                return Buried(f"poison, it has killed its worker {times(kills)}: {reason}")
            return Delayed(backoff(max(1, policy.delay), kills, chance), reason, counts=True)
    tries = past.tries + 1
    match treatment(error, rules) or HANDLED.get(policy.handler):
        case "discard":
            return Deleted(reason)
        case "retry" if tries < policy.count:
            return Delayed(backoff(policy.delay, tries, chance), reason, counts=True)
        case _:
            return Buried(reason)


def is_poison(kills: int, buries: int) -> bool:
    """Whether a call has killed its worker too often. Whenever an operator gives it back it has one more chance."""
    return kills >= MOST_KILLS + buries


def refusal(past: Past, why: str = "") -> Poison | None:
    """Why the call of a job that was just taken must not even be made; `why` is what its life says."""
    if past.has_chance or not is_poison(past.kills, past.buries):
        return None
    before = f"; before that: {why}" if why and not why.startswith("poison") else ""
    return Poison(f"poison, it has killed its worker {times(past.kills)}{before}")


def remembered(past: Past, error: BaseException | None, outcome: Delayed | Buried) -> Life:
    """What the job has to remember from then on."""
    tries = past.tries + (error is not None and not isinstance(error, UNTRIED))
    # What an operator gives back has one chance more, and what has then not killed its worker is no poison yet.
    most = MOST_KILLS if isinstance(outcome, Buried) else MOST_KILLS - 1
    kills = min(most, killed(past, error))
    return Life(min(MAX_U32, tries), kills, outcome.reason[:MOST_WHY])


def told(past: Past, error: BaseException | None, count: int) -> str:
    """How far a job has come, for operators: `try 2 of 3, 1 kill`. Empty if there is nothing to tell."""
    kills = killed(past, error)
    parts = [] if isinstance(error, UNTRIED) and not past.tries else [f"try {number(past, error)} of {count}"]
    parts += [f"{kills} kill{'s' * (kills != 1)}"] * (kills > 0)
    return ", ".join(parts)


def number(past: Past, error: BaseException | None) -> int:
    """Which of its tries that was; one that counts as none is told as the one that it would have been."""
    return past.tries + (not isinstance(error, Poison))


def killed(past: Past, error: BaseException | None) -> int:
    """How often it has killed its worker, this time included."""
    return past.kills + isinstance(error, WorkerDied)


def times(number: int) -> str:
    return {1: "once", 2: "twice"}.get(number, f"{number} times")


def describe(error: BaseException) -> str:
    """One printable line for an operator, whatever the error holds."""
    kind = type(error).__name__
    try:
        text = one_line(str(error))
    except Exception:  # noqa: BLE001 - users' classes may fail even at this
        text = ""
    if isinstance(error, (CannotRun, Unavailable, NotConfigured, WorkerDied, Bury, Decay)):
        return text or kind
    return f"{kind}: {text}" if text else kind
