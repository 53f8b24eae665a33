"""The course of one daemon: when its process is started, replaced, asked to end and killed. Pure: what happens comes in
with its time, in seconds of any steady clock; what is to be done goes out.

    starting ──ready──> working ──dies──> pausing ──time──> starting
                           │                                        (pauses double, up to a minute)
                        replace
                           │ overlap: a successor starts beside it, and it leaves when that is ready
                           └ else: it leaves, and the next is started when it has ended

Whoever leaves is asked first, and killed when its grace is over. Workers whose tubes their successor does not watch
stay until these are drained, or their time for that is over; one that dies before is started again, too.
"""

from __future__ import annotations

import signal
from dataclasses import asdict, dataclass, fields
from enum import Enum
from math import inf
from typing import TYPE_CHECKING, Any

from ayl.daemons.order import Order
from ayl.daemons.spec.model import Restart

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

FIRST_PAUSE = 1.0
"""Seconds between the end of a process and the start of the next."""

LONGEST_PAUSE = 60.0
"""The same, after it has doubled with each that ended early."""

STEADY = 60.0
"""Seconds of work after which an end is no early one."""


class Deed(Enum):
    """What is to be done with a process."""

    START = "start it"
    ASK = "ask it to end"
    KILL = "kill it"
    DRAIN = "see whether its tubes are drained, and say when they are"


@dataclass(slots=True)
class Run:
    """One process of the daemon, from the decision to start it to its end."""

    number: int
    order: Order
    began: float
    is_ready: bool = False
    ready_since: float = inf
    tubes: str = ""
    """What it takes jobs from, with blanks between; empty if it has not said so."""
    engine: str = ""
    """Where these are, as AYL_ENGINE would say it."""
    status: str = ""
    """What it last said of itself."""
    alive: float = inf
    """Its last sign of life; without limit until its first."""
    patience: float = inf
    """When it has to be ready."""
    ask_at: float = inf
    kill_at: float = inf
    is_asked: bool = False
    why_killed: str = ""
    returns: int = 0
    """How often those before it, which drained the same tubes, have died in a row."""

    def next(self) -> float:
        """When something is to be done with it."""
        return min(self.ask_at, self.kill_at, self._ready_at, self._dead_at, self.patience)

    @property
    def _ready_at(self) -> float:
        return inf if self.is_ready or self.order.ready is None else self.began + self.order.ready

    @property
    def _dead_at(self) -> float:
        watched = self.order.watchdog and self.is_ready and not self.is_asked
        return self.alive + self.order.watchdog if watched else inf

    @property
    def drains(self) -> bool:
        """Whether it is only there for what waits in its tubes."""
        return not self.is_asked and self.ask_at != inf

    def become_ready(self, now: float) -> None:
        if not self.is_ready:
            self.is_ready, self.ready_since, self.alive, self.patience = True, now, now, inf

    def leave(self, at: float) -> None:
        """Ask it to end then, or earlier if that was said already."""
        self.ask_at = min(self.ask_at, at)

    def due(self, now: float) -> Iterator[Deed]:
        """What is to be done with it by now."""
        if now >= self._ready_at:
            self.become_ready(now)
        if now >= self.ask_at:
            self.ask_at, self.patience, self.is_asked = inf, inf, True
            self.kill_at = min(self.kill_at, now + self.order.grace)
            yield Deed.ASK
        elif now >= self.patience:
            yield self._killed(f"was not ready within {self.order.patience:g} s")
        elif now >= self._dead_at:
            yield self._killed(f"gave no sign of life for {self.order.watchdog:g} s")
        if now >= self.kill_at:
            yield self._killed(f"did not end within {self.order.grace:g} s")

    def _killed(self, why: str) -> Deed:
        self.why_killed = self.why_killed or why
        self.kill_at = self.patience = self.alive = inf
        return Deed.KILL


@dataclass(frozen=True, slots=True)
class Return:
    """Of a process that drained its tubes and has died: nobody else serves them."""

    run: Run
    """Which has ended; another takes its place for the rest of its time."""
    at: float
    """When that is started."""


class Course:
    """Of one daemon, as its keeper follows it."""

    def __init__(self, order: Order, now: float) -> None:
        self.order = order
        """What is to run."""
        self.current: Run | None = None
        self.successor: Run | None = None
        """Of the current one, until it is ready."""
        self.leaving: list[Run] = []
        """They are asked to end, or drain."""
        self.returning: list[Return] = []
        self.failures = 0
        """Ends before their time, in a row."""
        self.refused: dict[str, str] = {}
        """An order whose successor failed while the old process stayed, and why."""
        self.starts_at = now
        """When the next process is started; infinity for never."""
        self.is_stopping = False
        self._numbers = 0
        self._wanted: Order | None = None

    @property
    def state(self) -> str:
        """One word for people."""
        if self.is_stopping:
            return "stopping"
        if self.successor is not None or self._wanted is not None:
            return "replacing"
        if self.current is not None:
            return "working" if self.current.is_ready else "starting"
        is_over = self.starts_at == inf and not self.leaving and not self.returning
        return "ended" if is_over else "pausing" if self.failures else "starting"

    @property
    def runs(self) -> list[Run]:
        """All processes, the latest first."""
        return [run for run in (self.successor, self.current, *self.leaving) if run is not None]

    @property
    def is_over(self) -> bool:
        """Whether there is nothing left to keep."""
        return self.is_stopping and not self.runs

    def record(self) -> dict[str, Any]:
        """All that it knows, for JSON and `of`."""
        return {
            "order": self.order.to_json(),
            "wanted": self._wanted and self._wanted.to_json(),
            "runs": [_recorded(run) for run in self.runs],
            "returning": [{"run": _recorded(of.run), "at": of.at} for of in self.returning],
            "current": self.current and self.current.number,
            "successor": self.successor and self.successor.number,
            "failures": self.failures,
            "refused": self.refused,
            "starts_at": self.starts_at,
            "is_stopping": self.is_stopping,
            "numbers": self._numbers,
        }

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Course:
        """What has left this record, by the same clock. ValueError, KeyError or TypeError if it makes no sense."""
        course = cls(Order.from_json(record["order"]), record["starts_at"])
        course.returning = [Return(_run_of(known["run"]), known["at"]) for known in record.get("returning", ())]
        for run in map(_run_of, record["runs"]):
            if run.number == record["current"]:
                course.current = run
            elif run.number == record["successor"]:
                course.successor = run
            else:
                course.leaving.append(run)
        course.failures, course.refused = record["failures"], record["refused"]
        course.is_stopping, course._numbers = record["is_stopping"], record["numbers"]
        course._wanted = Order.from_json(record["wanted"]) if record["wanted"] else None
        return course

    # What happens

    def replace(self, order: Order, now: float) -> None:
        """Let another order take the place of the present one."""
        if self.is_stopping:
            return
        if self.successor is not None:
            self.successor.leave(now)
            self.leaving.insert(0, self.successor)
            self.successor = None
        self._wanted = order
        self.failures = 0
        if self.current is None:
            self.starts_at = now

    def stop(self, now: float) -> None:
        """Bring everything to an end. Said again, each process is asked again."""
        self.is_stopping, self._wanted, self.starts_at, self.returning = True, None, inf, []
        for run in self.runs:
            run.is_asked = False
            run.leave(now)

    def heard(self, number: int, note: Mapping[str, str], now: float) -> None:
        """A process has said something of itself, by sd_notify."""
        run = self._run(number)
        if run is None:
            return
        run.alive = now
        run.status = note.get("STATUS", run.status)
        run.tubes = note.get("X_AYL_TUBES", run.tubes)
        run.engine = note.get("X_AYL_ENGINE", run.engine)
        more = note.get("EXTEND_TIMEOUT_USEC", "")
        if more.isascii() and more.isdigit() and run.patience != inf:
            run.patience = max(run.patience, now + int(more[:15]) / 1e6)
        if note.get("READY") == "1" and not run.is_asked:
            run.become_ready(now)

    def ended(self, number: int, code: int, now: float) -> None:
        """A process has ended: its exit code, or less than 0 for a signal's number."""
        run = self._run(number)
        if run is None:
            return
        if run in self.leaving:
            self.leaving.remove(run)
            if run.drains and self._comes_again(run, code):
                self._let_return(run, now)
        elif run is self.successor:
            self.successor = None
            self.refused = {run.order.serial: run.why_killed or told(code)}
            if self.current is not None:
                self.order = self.current.order  # which is known to work
        else:
            self.current = None
            self._mourn(run, code, now)

    def drained(self, number: int, now: float) -> None:
        """Nothing waits any more in the tubes of a process that leaves."""
        run = self._run(number)
        if run is not None and run in self.leaving:
            run.leave(now)

    # What is to be done

    def tick(self, now: float) -> list[tuple[Deed, Run]]:
        """Everything that is due."""
        deeds = [(deed, run) for run in self.runs for deed in run.due(now)]
        deeds += self._succession(now)
        deeds += self._replacement(now)
        deeds += self._returns(now)
        if self.current is None and self.successor is None and now >= self.starts_at and not self._is_blocked():
            self.current = self._started(now)
            deeds.append((Deed.START, self.current))
        return deeds

    def next(self) -> float:
        """When `tick` is to be called at the latest; infinity for never."""
        starts = self.starts_at if self.current is None and not self._is_blocked() else inf
        return min([starts, *(of.at for of in self.returning), *(run.next() for run in self.runs)])

    def _succession(self, now: float) -> list[tuple[Deed, Run]]:
        """The successor, once it is ready, takes the place."""
        if self.successor is None or not self.successor.is_ready:
            return []
        old, self.current, self.successor = self.current, self.successor, None
        if old is None:
            return []
        self.leaving.insert(0, old)
        if old.order.drain and old.tubes and not _watches(self.current.tubes, old.tubes):
            old.leave(now + old.order.drain)
            return [(Deed.DRAIN, old)]
        old.leave(now)
        return [(deed, old) for deed in old.due(now)]

    def _replacement(self, now: float) -> list[tuple[Deed, Run]]:
        """Begin with the one that is asked for."""
        if self._wanted is None:
            return []
        self.order, self._wanted = self._wanted, None
        old = self.current
        if old is None:
            return []
        if self.order.overlap and old.is_ready:
            self.successor = self._started(now)
            return [(Deed.START, self.successor)]
        self.current = None
        self.starts_at = now  # when the old one has ended
        old.leave(now)
        self.leaving.insert(0, old)
        return [(deed, old) for deed in old.due(now)]

    def _is_blocked(self) -> bool:
        """Whether one that leaves has to end before the next may start."""
        return not self.order.overlap and bool(self.leaving or self.returning)

    def _started(self, now: float) -> Run:
        self._numbers += 1
        self.starts_at = inf
        return Run(self._numbers, self.order, now, patience=now + self.order.patience)

    def _let_return(self, run: Run, now: float) -> None:
        if now - run.ready_since >= STEADY:
            run.returns = 0
        at = now + _pause(run.returns)
        if at < run.ask_at:
            self.returning.append(Return(run, at))

    def _returns(self, now: float) -> list[tuple[Deed, Run]]:
        """Others take the place of those that have died while they drained, with what these had to do."""
        due = [of.run for of in self.returning if now >= of.at]
        self.returning = [of for of in self.returning if now < of.at]
        deeds = []
        for old in due:
            if now >= old.ask_at:  # we were late
                continue
            self._numbers += 1
            run = Run(self._numbers, old.order, now, patience=now + old.order.patience, returns=old.returns + 1)
            run.tubes, run.engine, run.ask_at = old.tubes, old.engine, old.ask_at
            self.leaving.insert(0, run)
            deeds += [(Deed.START, run), (Deed.DRAIN, run)]
        return deeds

    def _mourn(self, run: Run, code: int, now: float) -> None:
        """What comes after the current process, which was not to end."""
        if self.successor is not None:
            self.current, self.successor = self.successor, None
            return
        if self.is_stopping:
            return
        if not self._comes_again(run, code):
            return
        if now - run.ready_since >= STEADY:
            self.failures = 0
        self.starts_at = now + _pause(self.failures)
        self.failures += 1

    def _comes_again(self, run: Run, code: int) -> bool:
        failed = code != 0 or bool(run.why_killed)
        return run.order.restart is Restart.ALWAYS or (run.order.restart is Restart.ON_FAILURE and failed)

    def _run(self, number: int) -> Run | None:
        return next((run for run in self.runs if run.number == number), None)


def _pause(failures: int) -> float:
    """After so many before."""
    return min(FIRST_PAUSE * 2.0 ** min(failures, 16), LONGEST_PAUSE)


def _recorded(run: Run) -> dict[str, Any]:
    return asdict(run) | {"order": run.order.to_json()}


def _run_of(record: dict[str, Any]) -> Run:
    """What is known of it here: another release may have recorded more."""
    names = {field.name for field in fields(Run)}
    known = {name: value for name, value in record.items() if name in names}
    return Run(**known | {"order": Order.from_json(known["order"])})


def _watches(tubes: str, old: str) -> bool:
    """Whether who takes jobs from `tubes` serves all of the old ones, too."""
    return set(old.split()) <= set(tubes.split())


def told(code: int) -> str:
    """How a process ended, in words."""
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        return f"was killed by {signal.Signals(-code).name}"
    except ValueError:  # a real-time signal
        return f"was killed by signal {-code}"
