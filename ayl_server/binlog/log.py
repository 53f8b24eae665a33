"""The binlog as it grows: what the broker reports is collected, written and synced; old segments are compacted.

The broker's reports are collected in memory. `commit` writes those of one turn of the loop at once and, if every
reply is to be durable, syncs them; only then may the driver send the turn's replies. An OSError out of any method
means that the disk cannot be trusted: the driver must stop, without a reply. For want of room nothing is raised;
`inserted` says no.

Room. All files have one size, which the largest job fits into, and their blocks before anything is written. A job is
accepted only if, beside its own record, there is room for all that may have to be told of the jobs we have (`UPKEEP`
each), and for one more segment: so on a full disk old jobs can still be deleted, buried and released. What these
write makes older records worthless, and the last reserve is never begun without winning another at once: what lives
in the oldest segment always fits into an empty one, and leaves as much of it free as it had in worthless records.

Compaction. Only the oldest segment is ever compacted: its living jobs are written anew at the end, a few in each
turn. Every record about a job stands behind the job's whole record, so once no job has its whole record in the
oldest segment, nothing in there is needed any more. That is told, and synced, before its file goes: a file that is
missing for another reason is noticed. Each segment has room for these words when it is full otherwise.
"""

from collections.abc import Callable
from dataclasses import dataclass

from ayl_server.binlog.disk import Disk, File, LogFullError
from ayl_server.binlog.records import (
    CHANGE_SIZE,
    DELETION_SIZE,
    HEADER_SIZE,
    MARK_SIZE,
    STOP,
    Header,
    job_size,
    pack_change,
    pack_deletion,
    pack_end,
    pack_job,
    pack_mark,
    pack_retired,
    seed,
)
from ayl_server.binlog.reserves import Reserves
from ayl_server.binlog.segment import LAST_WORDS, UPKEEP, Segment, largest, usable
from ayl_server.model import Job

STEP_JOBS = 256
STEP_BYTES = 64 * 1024
"""How much is compacted in one turn at least, in jobs looked at and in bytes written."""

AT_ONCE = 8
SMALL_AT_ONCE = 256
"""Files let go of in one turn at most, of the usual size or of smaller ones: to remove a file takes time."""

LARGE = 1024 * 1024
"""Bytes of a file that takes long to remove."""

GENEROUS = 3
"""Segments' worth of room above which reserves are given back."""


@dataclass(frozen=True, slots=True)
class Policy:
    """How the log is kept."""

    size: int  # bytes of a segment
    sync_after: float | None = 0.0  # seconds from a change to its sync; 0: in each commit; None: never

    @property
    def syncs(self) -> bool:
        """Whether what was written is to be on the disk some time."""
        return self.sync_after is not None


class Log:
    """The segments, and the reports that are not written yet. The broker's Journal."""

    def __init__(
        self,
        disk: Disk,
        policy: Policy,
        *,
        job: Callable[[int], Job | None],
        last_id: Callable[[], int],
        burials: Callable[[], int],
        salt: Callable[[], int],
        shift: Callable[[], float],
        complain: Callable[[str], None],
    ) -> None:
        self.disk = disk
        self.policy = policy
        self.segments: dict[int, Segment] = {}
        self.reserves = Reserves(disk, policy.size, synced=policy.syncs)
        self.jobs = 0
        self.live = 0
        """Bytes of the living jobs' whole records."""
        self.filled = 0
        """Bytes of all that was reported and stands in a segment."""
        self.retired = 0
        """No segment up to this number is needed any more, and that has been told."""
        self.written = 0
        self.migrated = 0
        self.unsynced = False
        self.pending: list[bytes] = []
        self.current: Segment
        self.position = 0
        """Where in the current segment the next record goes, behind the pending ones."""
        self._filled_before = 0  # without the current segment
        self._file: File
        self._pending_from = 0
        self._last = 0  # where in the current segment a record must end to leave room for a mark in front of it
        self._usable = usable(policy.size)
        self._at_once = AT_ONCE if policy.size > LARGE else SMALL_AT_ONCE
        self.refused = False
        """Whether the disk gave no room for a job in this turn; it is not asked twice."""
        self._job = job
        self._last_id = last_id
        self._burials = burials
        self._salt = salt
        self._complain = complain
        self._shift = shift  # wall clock less the driver's clock, seconds, now

    # What the broker reports

    def inserted(self, job: Job) -> bool:
        """A job is to be put; False if there is no room for it."""
        size = job_size(job)
        if (self.room < size + UPKEEP or self.position + size > self._last) and not self._make_room(size):
            self.refused = True
            self._complain(self.reserves.trouble)
            return False
        self._write_job(job, size)
        self.jobs += 1
        self.live += size
        return True

    def updated(self, job: Job) -> None:
        """A job changed its state, priority, delay or counters."""
        self._fit(CHANGE_SIZE)
        self._add(pack_change(job, self._shift(), self._seed()))

    def deleted(self, job: Job) -> None:
        """A job is gone for good."""
        # First, because making room may mean to let go of the segment in which this was the last one living.
        self.segments[job.file].live -= 1
        self.live -= job_size(job)
        self.jobs -= 1
        self._fit(DELETION_SIZE)
        self._add(pack_deletion(job.id, self._seed()))

    def note_id(self, job_id: int) -> None:
        """No new job may ever get this id or a lower one. To be told before a job with this id is."""
        self._fit(DELETION_SIZE)
        self._add(pack_deletion(job_id, self._seed()))

    # What the driver calls

    @property
    def dirty(self) -> bool:
        """Whether a commit has something to do: write, or look for the room that was not there."""
        return self.refused or bool(self.pending)

    @property
    def room(self) -> int:
        """Bytes that new jobs may take: what is ours on the disk less what is kept for old jobs; see above."""
        free = len(self.reserves.names) * self._usable + self.current.limit - self.position
        return free - UPKEEP * self.jobs - self.policy.size

    @property
    def used(self) -> int:
        """Bytes of all segments' files."""
        return len(self.segments) * self.policy.size

    def commit(self) -> None:
        """Write what was reported; sync it if that is the policy. Then the replies of this turn may go out."""
        self._compact_some(4 * (self.position - self._pending_from))
        self._write()
        after = self.policy.sync_after
        if after is None:
            self._give_back()
        elif not after:
            self.sync()

    def sync(self) -> None:
        """Return when all that was reported is on the disk."""
        self._write()
        if self.unsynced:
            self._file.sync()
            self.unsynced = False
            self._give_back()

    def close(self) -> None:
        """Write and sync all. The log can be opened again."""
        self._write()
        self._file.sync()
        self.unsynced = False
        # Without it, damage to the last records would look like a torn write that nobody was told of.
        self._fit(0)
        self._write()
        self._file.sync()
        self._file.close()

    # Records

    def _write_job(self, job: Job, size: int) -> None:
        self._fit(size)
        segment = self.current
        job.file = segment.number
        segment.ids.append(job.id)
        segment.live += 1
        self._add(pack_job(job, self._shift(), self._seed()))

    def _fit(self, size: int) -> None:
        """See to it that the current segment takes a record of `size` bytes now."""
        if self.position + size > self._last:
            self._move_on(size)
        self._mark()

    def _mark(self) -> None:
        """Tell that all before this place is on the disk, if it is."""
        if not (self.pending or self.unsynced):
            self._note(pack_mark(self.current.number, self.position, self._seed()))

    def _seed(self) -> int:
        return seed(self.current.salt, self.position)

    def _add(self, record: bytes) -> None:
        """A record of what was reported."""
        self.filled += len(record)
        self._note(record)

    def _note(self, record: bytes) -> None:
        self.pending.append(record)
        self.position += len(record)
        self.written += 1

    def _write(self) -> None:
        if self.pending:
            self.pending.append(STOP)
            self._file.write(self._pending_from, b"".join(self.pending))
            self.pending.clear()
            self._pending_from = self.position
            self.unsynced = True

    # Segments

    def begin(self, number: int) -> None:
        """Make a reserve the new current segment. LogFullError without one."""
        if not self.reserves.names:
            raise LogFullError
        name = self.reserves.take()
        segment = Segment(number, self._salt(), self.policy.size)
        self._file = self.disk.open(name)
        header = Header(number, segment.salt, self._last_id(), self._burials(), segment.capacity).pack()
        self._file.write(0, header + STOP)
        self._file.write(segment.copy_at, header)
        self._sync_file()
        self.disk.rename(name, segment.name)
        self._sync_directory()
        self.segments[number] = segment
        self._go_to(segment, HEADER_SIZE)

    def resume(self, segment: Segment, position: int) -> None:
        """Go on in a segment that is there, behind its last good record; the rest of it is wiped."""
        self._file = self.disk.open(segment.name)
        self._go_to(segment, position)

    def ready(self) -> None:
        """Before anything is reported: have a reserve, and room, if that can be."""
        if not self.reserves.names:
            # A crash may have come while one was looked for.
            self._retire(len(self.segments))
        if not self.reserves.names and not self.reserves.make():
            # No mark: there may be no room for more than what has not been moved yet.
            self.unsynced = True
            self._last = self.current.limit
            self._win_reserve()
            self._last = self.current.limit - MARK_SIZE
        self._make_room(0)

    def _go_to(self, segment: Segment, position: int) -> None:
        self.current = segment
        self.position = self._pending_from = position
        self._filled_before = self.filled - segment.filled
        self._last = segment.limit - MARK_SIZE

    def _move_on(self, size: int) -> None:
        """Begin segments until one takes `size` bytes: on a full disk, compaction fills some at once."""
        for _ in range(len(self.segments) + 1):
            self._rotate()
            if self.position + size <= self._last:
                return
        raise LogFullError

    def _rotate(self) -> None:
        """Begin the next segment, then close this one: its end tells of the next."""
        self._write()
        old, file, position = self.current, self._file, self.position
        old.filled = self.filled - self._filled_before
        self.begin(old.number + 1)
        file.write(position, pack_end(old.number + 1, seed(old.salt, position)) + STOP)
        if self.policy.syncs:
            file.sync()
        file.close()
        self.unsynced = False
        if not self.reserves.names and not self.reserves.make():
            self._win_reserve()

    def _make_room(self, size: int) -> bool:
        """Try to take more of the disk where there is no room for a job of `size` bytes."""
        if size > largest(self.policy.size):
            self.reserves.trouble = "the job is larger than its files"
            return False
        needed = size + UPKEEP
        if self.position + size > self._last:
            needed += self.current.limit - self.position  # stays empty
        while self.room < needed:
            # Once in a turn: a disk that is full is asked for nothing by a thousand puts more.
            if self.refused or not self.reserves.make():
                return False
        return True

    def retire_before(self, number: int) -> None:
        """Tell for good that no segment before this one is needed any more. There must be room for last words."""
        self.retired = number - 1
        self._note(pack_retired(self.retired, self._seed()))
        self._write()
        self._sync_file()

    def _give_back(self) -> None:
        """Let go of files that are needed no more, a few at a time. What made them so is as safe as it will be."""
        self._retire(self._at_once)
        for _ in range(self._at_once):
            if len(self.reserves.names) == 1 or self.room <= GENEROUS * self.policy.size:
                break
            self.reserves.drop()

    def _retire(self, most: int) -> None:
        """Let go of the oldest segments if nothing lives there, of some. Before, all must be written and synced."""
        gone: list[Segment] = []
        for segment in self.segments.values():
            if segment.live or segment is self.current or len(gone) == most:
                break
            gone.append(segment)
        if not gone:
            return
        if gone[-1].number > self.retired:
            if self.position + LAST_WORDS > self.current.end:
                return
            self.retire_before(gone[-1].number + 1)
        for segment in gone:
            del self.segments[segment.number]
            self.filled -= segment.filled
            self._filled_before -= segment.filled
            if not self.reserves.names or self.room < self.policy.size:
                self.reserves.keep(segment.name)
            else:
                self.disk.remove(segment.name)
        # Before one of these files is written to: a crash would find it under its old name.
        self._sync_directory()

    def _sync_file(self) -> None:
        if self.policy.syncs:
            self._file.sync()
            self.unsynced = False

    def _sync_directory(self) -> None:
        if self.policy.syncs:
            self.disk.sync()

    # Compaction

    def _compact_some(self, size: int) -> None:
        """Compact for about `size` bytes if that is worth it: much of the log is worthless, or room is short."""
        worthless, spare = self.filled - self.live, self.policy.size
        wasteful = worthless > self.live + 3 * spare
        scarce = worthless > 2 * spare and (self.refused or (self.room < 0 and not self._make_room(0)))
        if (wasteful or scarce) and self._oldest_is_dead():
            self._settle(self._at_once)
        elif wasteful or scarce:
            self._compact(STEP_JOBS + size // DELETION_SIZE, STEP_BYTES + size)
        self.refused = False

    def _compact(self, jobs: int, size: int) -> None:
        """Write living jobs of the oldest segment anew: look at no more than `jobs`, write about `size` bytes."""
        segment = self._first_living()
        while segment is not None and segment.live and jobs > 0 and size > 0:
            jobs -= 1
            size -= self._move_next(segment)

    def _win_reserve(self) -> None:
        """Make a reserve of the oldest segment, whose living jobs fit into the current one; see above."""
        if self._oldest_is_dead():
            self._settle(len(self.segments))
        if not self.reserves.names:
            segment = self._first_living()
            while segment is not None and segment.live:
                self._move_next(segment)
            self._settle(len(self.segments))

    def _settle(self, most: int) -> None:
        """Have all on the disk, and let go of `most` segments of those that hold nothing living any more."""
        self._write()
        self._sync_file()
        self._retire(most)

    def _oldest_is_dead(self) -> bool:
        oldest = next(iter(self.segments.values()))
        return not oldest.live and oldest is not self.current

    def _move_next(self, segment: Segment) -> int:
        """Write the next of its jobs anew if it is living; the bytes that this took."""
        job = segment.next_living(self._job)
        if job is None:
            return 0
        size = job_size(job)
        if self.position + size > self._last:
            self._rotate()
        # To win a reserve, all that lived there may have been moved just now.
        if job.file == segment.number:
            segment.live -= 1
            self._write_job(job, size)
            self.migrated += 1
        return size

    def _first_living(self) -> Segment | None:
        """The oldest closed segment with a living job; those before it only wait for the next sync."""
        oldest = next((segment for segment in self.segments.values() if segment.live), None)
        return None if oldest is self.current else oldest
