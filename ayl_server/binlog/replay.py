"""From the bytes of the segments back to the jobs. No file and no clock.

Segments are fed in the order of their numbers. A later record of a job overrides an earlier one, so a crash in
the middle of a compaction, which leaves a job's record twice, does no harm.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from ayl_server.binlog.records import (
    CHANGE,
    DELETION,
    FRAME,
    HEADER_SIZE,
    JOB,
    KIND_CHANGE,
    KIND_DELETION,
    KIND_END,
    KIND_JOB,
    KIND_RETIRED,
    RETIRED,
    STATES,
    Header,
    is_stop,
    mark_after,
    next_good,
    payloads,
)
from ayl_server.model import BURIED, DELAYED, Job, Tube


@dataclass(frozen=True, slots=True)
class Damage:
    """A place in a segment where records should be and are not."""

    number: int
    offset: int
    lost: int | None
    """Bytes passed over before good records follow; None where the rest of the segment is lost."""
    reason: str


class CorruptionError(Exception):
    """Something that had been acknowledged is not there any more."""

    def __init__(self, damage: Damage) -> None:
        super().__init__(damage.reason)
        self.damage = damage


class Replay:
    """What the segments fed so far say. Times are those of the driver's clock."""

    def __init__(self, *, shift: float, now: float, tube: Callable[[bytes], Tube], salvage: bool = False) -> None:
        self.jobs: dict[int, Job] = {}
        self.last_id = 0
        self.burials = 0
        self.retired = 0
        """No segment up to this number is needed any more."""
        self.damages: list[Damage] = []
        self.torn: Damage | None = None
        """The tail that was cut, if one was: what a crash left of a write that nobody was told of."""
        self._shift = shift  # wall clock less driver's clock, seconds
        self._now = now
        self._tube = tube
        self._tubes: dict[bytes, Tube] = {}
        self.salvage = salvage
        self.closed = True
        """Whether the last segment fed was closed, so that the next record belongs into a new one."""

    def feed(self, header: Header, data: bytes, *, last: bool) -> int:
        """Take in one segment, header included; the offset at which its records end."""
        if len(data) < header.capacity:
            self._damage(Damage(header.number, len(data), None, f"the file is cut off; it had {header.capacity} bytes"))
        self.last_id = max(self.last_id, header.last_id)
        self.burials = max(self.burials, header.burials)
        offset = HEADER_SIZE
        while True:
            offset, self.closed = self._take(header, data, offset)
            if self.closed:
                return offset
            found = self._next_after_damage(header, data, offset, last=last)
            if found is None:
                return offset
            offset = found

    def _take(self, header: Header, data: bytes, offset: int) -> tuple[int, bool]:
        """Take in good records; where they stop, and whether by an end record."""
        number = header.number
        for place, payload in payloads(data, offset, header.salt):
            kind = payload[0]
            offset = place + FRAME.size + len(payload)
            if kind == KIND_JOB:
                self._job(number, payload)
            elif kind == KIND_CHANGE:
                self._change(payload)
            elif kind == KIND_DELETION:
                job_id = DELETION.unpack(payload)[1]
                self.last_id = max(self.last_id, job_id)
                self.jobs.pop(job_id, None)
            elif kind == KIND_RETIRED:
                self.retired = max(self.retired, RETIRED.unpack(payload)[1])
            elif kind == KIND_END:
                return offset, True
        return offset, False

    def _next_after_damage(self, header: Header, data: bytes, offset: int, *, last: bool) -> int | None:
        """Where to go on after the good records stopped at `offset`; None if this is the end of the log."""
        found = next_good(data, offset, header.salt) if self.salvage else None
        if last and found is None and mark_after(data, offset, header) is None:
            if not is_stop(data, offset) and len(data) >= header.capacity:
                self.torn = Damage(header.number, offset, None, "a write was cut off here; nobody was told of it")
            return None
        reason = "records that had been written and synced are damaged or missing"
        self._damage(Damage(header.number, offset, None if found is None else found - offset, reason))
        return found

    def note_unreadable(self, number: int, reason: str) -> None:
        """A segment's very beginning cannot be read, so nothing of it can."""
        self.closed = False
        self._damage(Damage(number, 0, None, reason))

    def finish(self, numbers: list[int]) -> None:
        """All segments that there are, of these `numbers` in order, have been fed."""
        # First, for what is missing at the end may have told what else may be missing.
        if numbers and self.closed:
            self._note_missing(numbers[-1] + 1)
        for before, after in pairwise([self.retired, *(number for number in numbers if number > self.retired)]):
            if after != before + 1:
                self._note_missing(before + 1)
        if numbers and numbers[0] <= self.retired:
            # A crash has left some that were to go. The deletions of their jobs may have gone already.
            self.jobs = {job_id: job for job_id, job in self.jobs.items() if job.file > self.retired}

    def _note_missing(self, number: int) -> None:
        self._damage(Damage(number, 0, None, "the file is missing"))

    def _damage(self, damage: Damage) -> None:
        if not self.salvage:
            raise CorruptionError(damage)
        self.damages.append(damage)

    def _job(self, number: int, payload: bytes) -> None:
        (_, job_id, pri, delay, ttr, state, created, when, reserves, timeouts, releases, buries, kicks, length) = (
            JOB.unpack_from(payload)
        )
        name_end = JOB.size + length
        name = payload[JOB.size : name_end]
        tube = self._tubes.get(name)
        if tube is None:
            tube = self._tubes[name] = self._tube(name)
        # The wall clock may have been set back since: a job is never younger than nothing.
        job = Job(job_id, pri, delay, ttr, payload[name_end:], tube, min(created - self._shift, self._now))
        job.state = STATES[state]
        job.file = number
        job.reserves = reserves
        if timeouts or releases or buries or kicks:
            _set_past(job, timeouts, releases, buries, kicks)
        if state != 1:
            self._set_when(job, when)
        if job_id > self.last_id:  # noqa: PLR1730 - max() costs a call for each of a million jobs
            self.last_id = job_id
        self.jobs[job_id] = job

    def _change(self, payload: bytes) -> None:
        _, job_id, pri, delay, state, when, reserves, timeouts, releases, buries, kicks = CHANGE.unpack(payload)
        job = self.jobs.get(job_id)
        if job is None:  # only after damage: its first record is lost
            return
        job.pri = pri
        job.delay = delay
        job.state = STATES[state]
        job.reserves = reserves
        _set_past(job, timeouts, releases, buries, kicks)
        self._set_when(job, when)

    def _set_when(self, job: Job, when: float) -> None:
        if job.state is DELAYED:
            # Never longer than was asked for, even if the wall clock was set back meanwhile.
            job.deadline = min(when - self._shift, self._now + job.delay)
        elif job.state is BURIED:
            job.deadline = when
            self.burials = max(self.burials, int(when))


def _set_past(job: Job, timeouts: int, releases: int, buries: int, kicks: int) -> None:
    past = job.past()
    past.timeouts = timeouts
    past.releases = releases
    past.buries = buries
    past.kicks = kicks
