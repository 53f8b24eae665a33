"""What a keeper tells of its daemon when that changes: everybody, in a file, and systemd if that started it."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from math import inf
from typing import TYPE_CHECKING

from ayl import __version__
from ayl.daemons.child import LONGEST_LINE
from ayl.daemons.signs import Signs
from ayl.daemons.state import Process, State

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ayl.daemons.child import Child
    from ayl.daemons.course import Course, Run
    from ayl.daemons.home import Home
    from ayl.systemd import Notifier

RETRY_SECONDS = 1.0
"""Between two tries to tell systemd what it had no room for, and to write on a disk that is full."""

STARTING = ("starting", "pausing", "replacing")
"""States in which it may come to be ready."""


class Account:
    """Of one daemon."""

    def __init__(self, home: Home, notifier: Notifier, *, foreground: bool) -> None:
        self._home = home
        self._notifier = notifier
        self._foreground = foreground
        self._latest: State | None = None
        self._write_at = inf  # again, if it could not be written
        self._last_end = ""
        self._ended_at: float | None = None
        self._tail: tuple[str, ...] = ()
        self._facts: dict[str, str] = {}
        self._signs = Signs(notifier)

    def go_on(self) -> None:
        """From what the program before has written down."""
        with suppress(OSError, ValueError):
            self._latest = state = State.from_json(self._home.read(self._home.state))
            self._last_end, self._ended_at, self._tail = state.last_end, state.ended_at, state.tail

    @property
    def due(self) -> float:
        """When to write at the latest, seconds of the monotonic clock."""
        return min(self._signs.due, self._write_at, time.monotonic() + RETRY_SECONDS if self._notifier.is_full else inf)

    def died(self, how: str, tail: Iterable[str]) -> None:
        """A process has ended that was not to. `tail`: its last lines."""
        self._last_end, self._ended_at, self._tail = how, time.time(), tuple(tail)

    def write(self, course: Course, children: Mapping[int, Child], now: float) -> None:
        """Tell how it is, if that is something new."""
        state = self._state(course, children, now)
        if state != self._latest or now >= self._write_at:
            self._latest, self._write_at = state, now + RETRY_SECONDS
            with suppress(OSError):  # a full disk is no reason to end what works
                self._home.write(self._home.state, state.to_json(), 0o644)
                self._write_at = inf
        self._tell(state, now)

    def _tell(self, state: State, now: float) -> None:
        facts = _facts(state, was_ready="READY" in self._facts)
        self._notifier.tell({name: value for name, value in facts.items() if self._facts.get(name) != value})
        self._facts |= facts
        # However often it is tried: whoever gives up on a start kills a server that reads a long binlog.
        self._signs.give(now, is_starting="READY" not in facts and state.state in STARTING)

    def _state(self, course: Course, children: Mapping[int, Child], now: float) -> State:
        before = self._latest
        since = before.since if before is not None and before.state == course.state else time.time()
        return State(
            name=course.order.name,
            kind=course.order.kind,
            keeper=os.getpid(),
            release=__version__,
            state=course.state,
            since=since,
            serial=(course.current or course).order.serial,
            foreground=self._foreground,
            processes=tuple(
                _process(run, children[run.number], course) for run in course.runs if run.number in children
            ),
            failures=course.failures,
            next_start=self._next_start(course, now),
            refused=course.refused,
            last_end=self._last_end,
            ended_at=self._ended_at,
            tail=self._tail,
            log="output" if self._foreground else course.order.log or "journal",
        )

    def _next_start(self, course: Course, now: float) -> float | None:
        if course.state != "pausing" or course.starts_at == inf:
            return None
        found = time.time() + course.starts_at - now
        before = self._latest.next_start if self._latest is not None else None
        # The two clocks drift, which is no news.
        return before if before is not None and abs(before - found) < 1 else found


def _process(run: Run, child: Child, course: Course) -> Process:
    if run.is_asked:
        state = "ending"
    elif run in course.leaving:
        state = "draining"
    else:
        state = "working" if run.is_ready else "starting"
    version = run.order.environment.get("AYL_VERSION", "")
    return Process(child.pid, child.began, state, run.status[:LONGEST_LINE], run.tubes, version, run.number)


def _facts(state: State, *, was_ready: bool) -> dict[str, str]:
    """For systemd: ready once the daemon was, stopping when it does."""
    latest = state.processes[0].status if state.processes else ""
    facts = {"STATUS": f"{state.state}: {latest}" if latest else state.state}
    if was_ready or state.state == "working":
        facts["READY"] = "1"
    if state.state == "stopping":
        facts["STOPPING"] = "1"
    return facts
