"""Hold one scenario's conversation with a fresh server and check every word of it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from .inbox import Inbox, Mismatch, framed, report, shown
from .notation import value_matches
from .transcript import (
    At,
    ClockStarts,
    Connect,
    Drain,
    HalfClose,
    HangUp,
    Hear,
    HearList,
    HearNothing,
    HearRaw,
    HearReport,
    Scenario,
    SeeEnd,
    Send,
    Step,
    Wait,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .inbox import Server

EDGE = 0.002
"""Seconds before a moment during which a timer counts as punctual: clocks tick in milliseconds."""


class Conversation:
    """The state of one replay: who is connected, what has been said, what the time is."""

    def __init__(self, server: Server, tags: frozenset[str]) -> None:
        self.server = server
        self.tags = tags
        self.inboxes: dict[str, Inbox] = {}
        self.started: float | None = None
        self.due: float | None = None  # when the next expected line should come, after an `at`

    def replay(self, scenario: Scenario) -> None:
        """Go through all steps; at the end nobody may have anything left to say."""
        for step in scenario.packets(self.tags):
            with _located(scenario, step.line, step.text):
                self._take(step)
        with _located(scenario, scenario.line, "the end of the scenario"):
            self._nobody_hears_anything(self.server.calm)

    def _take(self, step: Step) -> None:
        if step.who and step.who not in self.inboxes:
            self._connect(step.who)
        match step:
            case Send() | HalfClose() | HangUp() | Drain() | Connect():
                self._act(step)
            case ClockStarts():
                self.started = self.server.clock()
            case Wait():
                self.server.wait(step.seconds)
            case At():
                self._reach(step.seconds)
            case HearNothing():
                self._hears_nothing(step.who, self.server.calm)
            case _:
                self._hear(step, self.inboxes[step.who])
                self._came_in_time()

    def _connect(self, who: str) -> None:
        self.server.connect(who)
        self.inboxes[who] = Inbox(self.server, who)

    def _act(self, step: Step) -> None:
        """Do what a client (or the operator) does. The first thing sent starts the clock."""
        match step:
            case Send():
                if self.started is None:
                    self.started = self.server.clock()
                self.server.send(step.who, step.data)
            case HalfClose():
                self.server.half_close(step.who)
            case HangUp():
                self.server.hang_up(step.who)
                del self.inboxes[step.who]
            case Drain():
                self.server.drain()

    # Time

    def _reach(self, seconds: float) -> None:
        """Nothing may arrive before the given second of the clock."""
        if self.started is None:
            raise Mismatch("no clock runs before something was sent")
        self.due = self.started + seconds
        self._nobody_hears_anything(0.0)
        while (left := self.due - EDGE - self.server.clock()) > 0:
            self.server.listen(left)
            # Looking late must not turn a punctual reply into an early one.
            if self.server.clock() < self.due - EDGE:
                self._nobody_hears_anything(0.0)
        self.server.wait(2 * EDGE)

    def _came_in_time(self) -> None:
        if self.due is not None and (late := self.server.clock() - self.due) > self.server.lateness:
            raise Mismatch(f"came {late:.3f} s late")
        self.due = None

    def _nobody_hears_anything(self, patience: float) -> None:
        if patience:
            self.server.wait(patience)
        for who in self.inboxes:
            self._hears_nothing(who, 0.0)

    def _hears_nothing(self, who: str, patience: float) -> None:
        if said := self.inboxes[who].unexpected(patience):
            raise Mismatch(f"{who} heard {shown(said)}")

    # Replies

    def _hear(self, step: Step, inbox: Inbox) -> None:
        match step:
            case Hear():
                _same(step.data, inbox.line())
            case HearRaw():
                _same(step.data, inbox.exactly(len(step.data)))
            case HearList():
                expected = "---\n" + "".join(f"- {name}\n" for name in step.names)
                _same(expected.encode(), framed(inbox))
            case HearReport():
                self._check_report(step, report(framed(inbox)))
            case SeeEnd():
                if not inbox.ends():
                    raise Mismatch(f"before closing, the server said {shown(inbox.bytes)}")
            case _:
                raise TypeError(f"no rule for {step!r}")

    def _check_report(self, step: HearReport, said: dict[str, str]) -> None:
        fields = [field for field in step.fields if not field.tag or field.tag in self.tags]
        if step.whole and (wanted := [field.key for field in fields]) != list(said):
            raise Mismatch(f"fields: expected {' '.join(wanted)}; got {' '.join(said)}")
        for field in fields:
            got = said.get(field.key)
            if got is None:
                raise Mismatch(f"line {field.line}: the report has no {field.key}")
            if not value_matches(field.value, got, self.server.facts):
                raise Mismatch(f"line {field.line}: {field.key}: expected {field.value}; got {got}")


def _same(expected: bytes, got: bytes) -> None:
    if got != expected:
        raise Mismatch(f"expected {shown(expected)}; got {shown(got)}")


@contextmanager
def _located(scenario: Scenario, line: int, text: str) -> Iterator[None]:
    """Say in which line of which transcript a mismatch happened."""
    try:
        yield
    except Mismatch as error:
        raise Mismatch(f"{scenario.path.name}:{line}: {text}\n    {error}") from None
