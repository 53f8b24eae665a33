"""What the broker has reported to the binlog, in order: the history that a replay must give a beginning of.

The ledger stands between the broker and the log. It knows of each report how far it has come (reported, written,
synced, promised to a client), so after a crash it can say which beginnings of the history are allowed, and look
whether the replay is one of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ayl_server.model import BURIED, DELAYED, READY, RESERVED, History, Job

from .faults import BrokenError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ayl_server.broker import Broker
    from ayl_server.model import Journal

    from .clock import Clock

TOLERANCE = 0.000_01
"""Seconds: a float that holds the wall clock's time is no more exact than that."""

LATENESS = 0.1
"""Seconds that a sync may come later than its policy says, because the disk itself takes time."""


@dataclass(slots=True)
class Told:
    """A job as it was reported."""

    tube: bytes
    pri: int
    delay: int
    ttr: int
    body: bytes
    state: str  # never reserved: a lease ends with the server
    deadline: float  # delayed: when it falls due, on the steady clock; buried: the burial's number
    earliest: float  # delayed: the wall clock's times that the disk may hold for it; they differ after
    latest: float  # the wall clock has jumped and the job was copied by a compaction
    reserves: int
    past: tuple[int, int, int, int]  # timeouts, releases, buries, kicks

    def widen(self, shift: float) -> None:
        """Since the wall clock has jumped, a copy of the job would tell another time."""
        if self.state == DELAYED:
            self.earliest = min(self.earliest, self.deadline + shift)
            self.latest = max(self.latest, self.deadline + shift)


@dataclass(slots=True)
class Entry:
    """One report."""

    index: int
    job_id: int
    told: Told | None  # None: the job was deleted
    is_put: bool = False
    claimed: bool = False
    """Whether a client has already been told of it."""


def past_of(job: Job) -> tuple[int, int, int, int]:
    past = job.history or History()
    return past.timeouts, past.releases, past.buries, past.kicks


class Ledger:
    """The broker's journal; it passes everything on to the log."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.log: Journal | None = None
        self.floor: dict[int, Told] = {}
        """All jobs before the first of `entries`."""
        self.jobs: dict[int, Told] = {}
        """All jobs after the last."""
        self.entries: list[Entry] = []
        self.base = 0
        """The index of the first of `entries`."""
        self.written = 0
        self.synced = 0
        self.promised = 0
        """How many reports had come when a reply was last sent."""
        self.highest = 0
        """The highest id that was ever promised or seen in a replay."""
        self.of_job: dict[int, list[Entry]] = {}
        self._unfinished = 0
        self._writes: list[tuple[float, int]] = []  # when, and how many were written by then
        self._limits: dict[int, tuple[int, int]] = {}  # reserves and timeouts: no replay can show more

    @property
    def length(self) -> int:
        return self.base + len(self.entries)

    # What the broker reports

    def inserted(self, job: Job) -> bool:
        if job.id in self.of_job or job.id in self.jobs:
            raise BrokenError(f"the id {job.id} was given twice")
        assert self.log is not None
        if not self.log.inserted(job):
            return False
        self._add(job, is_put=True)
        return True

    def updated(self, job: Job) -> None:
        if job.id not in self.jobs:
            raise BrokenError(f"a change of job {job.id}, which there is not")
        self._add(job)
        # A forced compaction copies the job as it is now before its change is told.
        self._unfinished = 1
        assert self.log is not None
        self.log.updated(job)
        self._unfinished = 0

    def deleted(self, job: Job) -> None:
        if self.jobs.pop(job.id, None) is None:
            raise BrokenError(f"the deletion of job {job.id}, which there is not")
        self._limits[job.id] = (job.reserves, past_of(job)[0])
        self._append(Entry(self.length, job.id, None))
        self._unfinished = 1
        assert self.log is not None
        self.log.deleted(job)
        self._unfinished = 0

    def _add(self, job: Job, *, is_put: bool = False) -> None:
        told = self.jobs[job.id] = self._told(job)
        self._append(Entry(self.length, job.id, told, is_put))

    def _append(self, entry: Entry) -> None:
        self.entries.append(entry)
        self.of_job.setdefault(entry.job_id, []).append(entry)

    def _told(self, job: Job) -> Told:
        state = READY if job.state == RESERVED else job.state
        deadline = 0.0 if state == READY else job.deadline
        wall = deadline + self.clock.shift
        return Told(
            job.tube.name,
            job.pri,
            job.delay,
            job.ttr,
            job.body,
            state,
            deadline,
            wall,
            wall,
            job.reserves,
            past_of(job),
        )

    # How far the reports have come

    def note_write(self) -> None:
        self.written = self.length - self._unfinished
        self._writes.append((self.clock.steady, self.written))

    def note_sync(self) -> None:
        self.synced = self.written

    def note_reply(self) -> None:
        self.promised = self.length

    def note_jump(self) -> None:
        for told in self._all_told():
            told.widen(self.clock.shift)

    def aged(self, now: float, sync_after: float) -> int:
        """How many reports were written so long ago that they must be synced by `now`."""
        old = [count for when, count in self._writes if when + sync_after + LATENESS <= now]
        return max(old, default=self.base)

    def _all_told(self) -> Iterator[Told]:
        yield from self.floor.values()
        for entry in self.entries:
            if entry.told is not None:
                yield entry.told

    # What clients were told

    def claim(self, job_id: int, since: int, **wanted: object) -> None:
        """A reply says that this change was made by a command sent when there were `since` reports."""
        for entry in self.of_job.get(job_id, ()):
            if entry.index < since or entry.claimed or entry.told is None:
                continue
            if all(getattr(entry.told, name) == value for name, value in wanted.items()):
                entry.claimed = True
                return
        raise BrokenError(f"a reply tells of a change of job {job_id} that was never reported: {wanted}")

    def claim_deletion(self, job_id: int, since: int) -> None:
        for entry in self.of_job.get(job_id, ()):
            if entry.index >= since and entry.told is None and not entry.claimed:
                entry.claimed = True
                return
        raise BrokenError(f"a reply tells of the deletion of job {job_id}, which was never reported")

    def expect_seen(self, job_id: int, body: bytes, since: int) -> Told:
        """A reply to a command sent when there were `since` reports shows this job: how it was put."""
        entries = self.of_job.get(job_id, ())
        told = self.floor.get(job_id) or (entries[0].told if entries else None)
        if told is None:
            raise BrokenError(f"a reply shows job {job_id}, which was never put")
        if told.body != body:
            raise BrokenError(f"a reply shows job {job_id} with another body: {body[:40]!r} for {told.body[:40]!r}")
        if any(entry.told is None and entry.index < since for entry in entries):
            raise BrokenError(f"a reply shows job {job_id}, which had been deleted before it was asked for")
        return told

    # The replay

    def note_end(self, broker: Broker) -> None:
        """The process is gone; this was its memory."""
        for job in broker.jobs.values():
            self._limits[job.id] = (job.reserves, past_of(job)[0])

    def compare(self, found: Broker, least: int, *, ended: float, began: float) -> int:
        """How many reports the replay in `found` comprises; at least `least`. The old clock stood at `ended`."""
        expected = dict(self.floor)
        for entry in self.entries[: least - self.base]:
            _apply(expected, entry)
        seen = {job.id: job for job in found.jobs.values()}
        check = _Comparison(self.clock, self._limits, ended, began)
        wrong = {
            job_id
            for job_id in {**expected, **seen}
            if check.difference(expected.get(job_id), seen.get(job_id)) is not None
        }
        first = {job_id: check.difference(expected.get(job_id), seen.get(job_id)) for job_id in sorted(wrong)}
        count = least
        for entry in self.entries[least - self.base :]:
            if not wrong:
                break
            count += 1
            _apply(expected, entry)
            job_id = entry.job_id
            (wrong.discard if check.difference(expected.get(job_id), seen.get(job_id)) is None else wrong.add)(job_id)
        if wrong:
            raise BrokenError(f"the replay is no beginning of the history, at least {least} of {self.length}: {first}")
        self._matched = expected
        return count

    def begin_anew(self, found: Broker, count: int) -> None:
        """The replay in `found`, which comprises `count` reports, is the truth from now on."""
        self._check_numbers(found, count)
        self.floor = {job.id: self._recovered(job) for job in found.jobs.values()}
        self.jobs = dict(self.floor)
        self.base = self.length
        self.entries.clear()
        self.of_job.clear()
        self._writes.clear()
        self._limits.clear()
        self._unfinished = 0
        self.written = self.synced = self.promised = self.base

    def _check_numbers(self, found: Broker, count: int) -> None:
        given = [entry.job_id for entry in self.entries[: count - self.base]]
        self.highest = max([self.highest, *given])
        if found.last_id < self.highest:
            raise BrokenError(f"ids begin again at {found.last_id}, and {self.highest} had been given")
        if any(job.state == BURIED and job.deadline > found.burials for job in found.jobs.values()):
            raise BrokenError("the burials' numbers begin again")

    def _recovered(self, job: Job) -> Told:
        told, before = self._told(job), self._matched[job.id]
        if told.state == DELAYED:
            told.earliest = min(told.earliest, before.earliest)
            told.latest = max(told.latest, before.latest)
        return told


def _apply(jobs: dict[int, Told], entry: Entry) -> None:
    if entry.told is None:
        jobs.pop(entry.job_id, None)
    else:
        jobs[entry.job_id] = entry.told


class _Comparison:
    """Between what was reported of a job and what a replay shows."""

    def __init__(self, clock: Clock, limits: dict[int, tuple[int, int]], ended: float, began: float) -> None:
        self._clock = clock
        self._limits = limits
        self._ended = ended
        self._began = began

    def difference(self, told: Told | None, job: Job | None) -> str | None:
        if told is None or job is None:
            return None if told is None and job is None else ("it is there" if told is None else "it is missing")
        for name, was, now in (
            ("tube", told.tube, job.tube.name),
            ("pri", told.pri, job.pri),
            ("delay", told.delay, job.delay),
            ("ttr", told.ttr, job.ttr),
            ("body", told.body, job.body),
            ("releases, buries, kicks", told.past[1:], past_of(job)[1:]),
        ):
            if was != now:
                return f"{name}: {was!r:.60} was told, {now!r:.60} is found"
        return self._counters(told, job) or self._state(told, job)

    def _counters(self, told: Told, job: Job) -> str | None:
        """Those that change without a report: as of the report, or of a later copy by a compaction."""
        reserves, timeouts = self._limits.get(job.id, (told.reserves, told.past[0]))
        if not told.reserves <= job.reserves <= max(reserves, told.reserves):
            return f"reserves: between {told.reserves} and {reserves}, but {job.reserves} is found"
        if not told.past[0] <= past_of(job)[0] <= max(timeouts, told.past[0]):
            return f"timeouts: between {told.past[0]} and {timeouts}, but {past_of(job)[0]} is found"
        return None

    def _state(self, told: Told, job: Job) -> str | None:
        if told.state == DELAYED and job.state == READY and told.deadline <= self._ended:
            return None  # it had fallen due before, and then a compaction copied it
        if told.state != job.state:
            return f"state: {told.state} was told, {job.state} is found"
        if told.state == BURIED and told.deadline != job.deadline:
            return f"burial: number {told.deadline} was told, {job.deadline} is found"
        if told.state == DELAYED:
            shift = self._clock.shift
            least = min(told.earliest - shift, self._began + job.delay)
            most = min(told.latest - shift, self._clock.steady + job.delay)
            if not least - TOLERANCE <= job.deadline <= most + TOLERANCE:
                return f"due at {job.deadline}, but between {least} and {most} was told"
        return None
