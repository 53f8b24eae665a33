"""How a call is to be queued and what becomes of it when it fails. Names and numbers are Ruby ayl's."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from math import ceil
from typing import Literal, get_args

from ayl.errors import InvalidOption
from ayl.tubes import check_part

Handler = Literal["delete", "decay", "bury"]

HANDLERS: tuple[Handler, ...] = get_args(Handler)
"""What may become of a failed job: dropped, tried again later (buried in the end), or put aside at once."""

Unreachable = Literal["spool", "synchronous", "raise"]

LADDER: tuple[Unreachable, ...] = get_args(Unreachable)
"""What may become of a call when no server answers: kept on this machine's disk until one does, made here and now, or
refused to the caller."""

MAX_U32 = 2**32 - 1

ALIASES = {"queue_name": "lane"}
"""Ruby ayl's name for it -> ours."""


ELSEWHERE = {
    "countdown": "delay",
    "eta": "delay",
    "max_retries": "failed_job_count",
    "queue": "lane",
    "retry_delay": "failed_job_delay",
    "default_retry_delay": "failed_job_delay",
    "timeout": "time_to_run",
    "job_timeout": "time_to_run",
    "ttr": "time_to_run",
    "tube": "lane",
}
"""What other libraries call it -> what to say here; for hints only."""


@dataclass(frozen=True, slots=True)
class Options:
    """The options of one call; valid once constructed. Wrong ones raise InvalidOption."""

    priority: int = 512
    """0 is the most urgent, 2**32 - 1 the least."""
    fuzz: int = 0
    """A random number from 0 to this is added to the priority, to mix calls that arrive in blocks."""
    delay: int | timedelta | datetime = 0
    """Before a worker may take it: seconds, a timedelta (rounded up to whole seconds), or the moment itself, a datetime
    with a time zone.
    """
    time_to_run: int = 120
    """Seconds that a worker may hold it. It ends the call shortly before."""
    lane: str = ""
    """A named lane of the app's tube (Ruby ayl: queue_name); empty, or `default`, for the tube itself."""
    failed_job_handler: Handler = "decay"
    """One of `HANDLERS`. Ruby's default deletes a failed job; here it is tried again and buried in the end."""
    failed_job_delay: int = 60
    """Seconds before a decayed job is tried again."""
    failed_job_count: int = 3
    """How many times a decaying job is tried in all."""
    after_commit: bool = True
    """In an open transaction of a known ORM, wait for its commit."""
    unreachable: Unreachable | Literal[""] = ""
    """What becomes of the call when no server answers: one of `LADDER`; empty for what the settings say."""
    keep_alive: bool | None = None
    """Whether the worker renews its hold on the call as long as that runs; None for what its class or function says."""
    time_limit: int = 0
    """Seconds that the call may take in all, however long it is held; 0 for what its class or function says."""

    def __post_init__(self) -> None:
        for name, (low, high) in RANGES.items():
            value = getattr(self, name)
            if isinstance(value, (timedelta, datetime)) and name == "delay":
                value = _least_seconds(value)
            if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
                also = " seconds, a timedelta or a datetime" if name == "delay" else ""
                raise InvalidOption(f"{name} is a whole number from {low} to {high}{also}, not {value!r}")
        if self.failed_job_handler not in HANDLERS:
            raise InvalidOption(f"failed_job_handler is one of {', '.join(HANDLERS)}, not {self.failed_job_handler!r}")
        if self.keep_alive is not None and not isinstance(self.keep_alive, bool):
            raise InvalidOption(f"keep_alive is True or False, not {self.keep_alive!r}")
        if not isinstance(self.after_commit, bool):
            raise InvalidOption(f"after_commit is True or False, not {self.after_commit!r}")
        if self.unreachable != "":
            check_unreachable(self.unreachable)
        if self.lane != "" or not isinstance(self.lane, str):
            check_part("lane", self.lane)

    def seconds_of_delay(self, now: float) -> int:
        """The delay of a call that is sent `now` (seconds since 1970); 0 for a moment that is past."""
        delay = self.delay
        if isinstance(delay, int):
            return delay
        if isinstance(delay, timedelta):
            return _least_seconds(delay)
        seconds = max(0, ceil(delay.timestamp() - now))
        if seconds > MAX_U32:
            raise InvalidOption(f"delay is at most {MAX_U32} seconds; {delay!r} is {seconds} seconds away")
        return seconds

    def with_(self, changes: Mapping[str, object]) -> "Options":
        """A copy with some options changed; an unknown name raises InvalidOption with a hint."""
        known: dict[str, object] = {}
        for given, value in changes.items():
            name = ALIASES.get(given, given) if isinstance(given, str) else ""
            if name not in NAMES:
                raise InvalidOption(f"unknown option {given!r}{_hint(given)}")
            if name in known:
                raise InvalidOption(f"{name} is given twice, also by another name")
            known[name] = value
        return replace(self, **known)  # type: ignore[arg-type] # __post_init__ checks the types


RANGES = {
    "priority": (0, MAX_U32),
    "fuzz": (0, MAX_U32),
    "delay": (0, MAX_U32),
    "time_to_run": (1, MAX_U32),
    "time_limit": (0, MAX_U32),
    "failed_job_delay": (0, MAX_U32),
    "failed_job_count": (1, MAX_U32),
}
"""The options that are numbers, with their least and greatest value."""

NAMES = frozenset(field.name for field in fields(Options))


def meant_by(word: object) -> str | None:
    """The option that somebody means by this name, here or elsewhere; None if it is none."""
    return str(word) if word in NAMES else {**ALIASES, **ELSEWHERE}.get(str(word))


def check_unreachable(policy: object) -> Unreachable:
    """`policy` if it is one of `LADDER`; InvalidOption otherwise."""
    for known in LADDER:
        if policy == known:
            return known
    raise InvalidOption(f"unreachable is one of {', '.join(LADDER)}, not {policy!r}")


def _least_seconds(delay: timedelta | datetime) -> int:
    """Of a span, rounded up; of a moment, which may have passed when it is sent, none. InvalidOption if it is none."""
    if isinstance(delay, timedelta):
        return delay.days * 86400 + delay.seconds + (delay.microseconds > 0)
    if delay.utcoffset() is None:
        raise InvalidOption(
            f"delay is a datetime without a time zone, which could be any moment: {delay!r}; give it one, as "
            "datetime.now(UTC) has"
        )
    return 0


def fuzzed(priority: int, fuzz: int, choose: Callable[[int], int]) -> int:
    """`priority` plus a number that `choose(n)` draws from 0 to n - 1, kept within the protocol's range."""
    return min(MAX_U32, priority + choose(fuzz + 1)) if fuzz else priority


def _hint(name: object) -> str:
    from difflib import get_close_matches  # only on the way to an error

    if (meant := meant_by(name)) is not None:
        return f"; here it is called {meant!r}"
    close = get_close_matches(str(name), [*NAMES, *ALIASES], n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; known are {', '.join(sorted(NAMES))}"
