"""What was sent in a span, the assertions about it, and running it."""

from collections.abc import Callable
from difflib import SequenceMatcher
from typing import Any, ParamSpec

from ayl import message as messages
from ayl.calling import perform
from ayl.engines.recording import RecordingEngine
from ayl.message import Message
from ayl.testing.calls import SentCall, sent_call
from ayl.testing.expectations import Expected, expected, to_any_call
from ayl.testing.waiting import held_back

P = ParamSpec("P")

SHOWN = 20
"""Calls that a failed assertion lists."""

LIMIT = 1000
"""Calls that `run_sent` runs before it takes them for an endless chain."""


class TooManyCalls(AssertionError):
    """`run_sent` found no end: calls that send one another for ever, it seems."""


class Recording:
    """What was sent, in order. Calls that wait for a commit or in a batch have not been sent yet."""

    def __init__(self, engine: RecordingEngine) -> None:
        self._engine = engine

    def sent(self) -> list[SentCall]:
        """Every call that was sent and not cancelled, decoded; no object is looked for."""
        return [sent_call(kept.submission) for kept in self._engine.kept()]

    def of(self, function: Callable[..., Any], /) -> list[SentCall]:
        """The calls of what `ayl.send` takes, with whatever arguments. `of(Order.ship)` is that method of any order."""
        wanted = to_any_call(function)
        return [call for call in self.sent() if wanted.is_like(call)]

    def clear(self) -> None:
        """Forget what was sent so far."""
        self._engine.clear()

    def assert_sent(self, function: Callable[P, Any], /, *args: P.args, **kwargs: P.kwargs) -> SentCall:
        """The call was sent, at least once; returns it (the first one), for a look at its options.

        Written as `ayl.send` takes it. Objects are the same if they are the same row, other arguments if they are
        equal; ANY is equal to all. `assert_sent(Order.ship, order, "ups")` is allowed too, with ANY for the order.
        """
        __tracebackhide__ = True  # pytest then shows the test's own line
        wanted, calls = expected(function, args, kwargs), self.sent()
        for call in calls:
            if wanted.is_like(call):
                return call
        raise AssertionError(_report(f"{wanted.label} was not sent", wanted, calls))

    def assert_sent_times(self, times: int, function: Callable[P, Any], /, *args: P.args, **kwargs: P.kwargs) -> None:
        """The call was sent so often, and not more. For calls with whatever arguments: `len(sent.of(…)) == times`."""
        __tracebackhide__ = True
        wanted, calls = expected(function, args, kwargs), self.sent()
        found = sum(map(wanted.is_like, calls))
        if found != times:
            raise AssertionError(_report(f"{wanted.label} was sent {_times(found)}, not {times}", wanted, calls))

    def assert_not_sent(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> None:
        """The call was not sent; without arguments: nor with any."""
        __tracebackhide__ = True
        wanted = expected(function, args, kwargs) if args or kwargs else to_any_call(function)
        calls = self.sent()
        if any(map(wanted.is_like, calls)):
            raise AssertionError(_report(f"{wanted.label} was sent", None, calls))

    def assert_nothing_sent(self) -> None:
        """No call was sent."""
        __tracebackhide__ = True
        if calls := self.sent():
            raise AssertionError(_report("something was sent", None, calls))

    def run_sent(self, *, limit: int = LIMIT) -> int:
        """Run what was sent and has not been run, in order, and what that sends in turn; how many calls were made.

        Each goes through its bytes, as in a worker, and is run once: what it raises comes out here, and the next
        `run_sent` goes on behind it. Delays are not waited for. TooManyCalls after `limit` calls.
        """
        made = 0
        while (submission := self._engine.take()) is not None:
            message = messages.decode(submission.body)
            assert isinstance(message, Message)  # noqa: S101 - it was made by us, a moment ago
            if made == limit:
                raise TooManyCalls(
                    f"{limit} calls were run, and there are more: {messages.human(message)} is next; do they send one "
                    "another for ever? Otherwise raise the limit: run_sent(limit=…)"
                )
            made += 1
            perform(message)
        return made

    def __len__(self) -> int:
        return len(self._engine.kept())

    def __repr__(self) -> str:
        return f"<ayl.testing.Recording of {[call.call for call in self.sent()]}>"


def _times(number: int) -> str:
    return {0: "never", 1: "once", 2: "twice"}.get(number, f"{number} times")


# The report of a failure


def _report(headline: str, wanted: Expected | None, calls: list[SentCall]) -> str:
    return "\n".join([headline, *_listed(calls), *(_nearest(wanted, calls) if wanted else []), *held_back()])


def _listed(calls: list[SentCall]) -> list[str]:
    if not calls:
        return ["nothing was sent"]
    more = [f"  … and {len(calls) - SHOWN} more"] if len(calls) > SHOWN else []
    shown = [f"  {number}. {call}" for number, call in enumerate(calls[:SHOWN], 1)]
    return [f"{len(calls)} calls were sent:" if len(calls) > 1 else "one call was sent:", *shown, *more]


def _nearest(wanted: Expected, calls: list[SentCall]) -> list[str]:
    """How the call that is most like it differs."""
    others = [(number, call) for number, call in enumerate(calls, 1) if not wanted.is_like(call)]
    if not others:
        return []
    number, call = max(others, key=lambda other: _likeness(wanted, other[1]))
    if call.method != wanted.method:
        return []  # the list tells more
    differences = wanted.differences(call)
    if wanted.receiver != call.receiver:
        differences.insert(0, f"to: {call.receiver!r}, {wanted.receiver!r} was expected")
    return [f"the nearest, {number}, differs:", *(f"  {line}" for line in differences)]


def _likeness(wanted: Expected, call: SentCall) -> tuple[bool, bool, int, float]:
    same_method = call.method == wanted.method
    return (
        same_method,
        same_method and bool(wanted.receiver == call.receiver),
        -len(wanted.differences(call)) if same_method else 0,
        SequenceMatcher(None, wanted.label, call.call).ratio(),
    )
