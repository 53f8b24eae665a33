"""The binlog as it grows: what the broker reports is collected, written and synced; old segments are compacted.

The broker's reports are collected in memory. `commit` writes those of one turn of the loop at once and, if every
reply is to be durable, syncs them; only then may the driver send the turn's replies. An OSError out of any method
but `inserted` (which then refuses) means that the disk cannot be trusted: the driver must stop, without a reply.

Room. Segments have a fixed size and their blocks before anything is written. A job is accepted only if, beside
its own record, there is room for all that may have to be told of the jobs we have (`UPKEEP` each), and for one
more segment: so on a full disk old jobs can still be deleted, buried and released. What these write makes older
records worthless, and with a whole segment to spare the oldest can always be compacted and its file used again. A
job that is larger than a segment gets a file of its own, and a second one like it is kept to spare as long.

Compaction. Only the oldest segment is ever compacted: its living jobs are written anew at the end, a few in each
turn. Every record about a job stands behind the job's whole record, so once no job has its whole record in the
oldest segment, nothing in there is needed any more.
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
    seed,
)
from ayl_server.binlog.segment import RESERVE, UPKEEP, Segment, capacity_for, usable
from ayl_server.model import Job

STEP_JOBS = 256
STEP_BYTES = 64 * 1024
"""How much is compacted in one turn at least, in jobs looked at and in bytes written."""


RETIRED_AT_ONCE = 8
"""Files let go of in one turn at most; to remove a file takes time."""

GENEROUS = 3
"""Segments' worth of room above which reserves are given back."""


@dataclass(frozen=True, slots=True)
class Policy:
    """How the log is kept."""

    size: int  # bytes of a segment
    sync_always: bool  # sync in each commit
    sync_never: bool = False


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
        self.reserve: dict[str, int] = {}
        """Names and sizes of the files that wait to become segments."""
        self.room = -policy.size
        """Bytes that new jobs may take: what is ours on the disk less what is kept for old jobs; see above."""
        self.live = 0
        """Bytes of the living jobs' whole records."""
        self.used = 0
        """Bytes of all segments' files."""
        self.written = 0
        self.migrated = 0
        self.unsynced = False
        self.pending: list[bytes] = []
        self.position = 0
        """Where in the current segment the next record goes, behind the pending ones."""
        self._pending_from = 0
        self._job = job
        self._last_id = last_id
        self._burials = burials
        self._salt = salt
        self._shift = shift  # wall clock less the driver's clock, seconds, now
        self._complain = complain
        self._compacting = False

        self._reserves_made = 0
        self._last = 0  # where in the current segment a record must end to leave room for a mark behind it
        self.current: Segment
        self._file: File

    # What the broker reports

    def inserted(self, job: Job) -> bool:
        """A job is to be put; False if there is no room for it."""
        size = job_size(job)
        if (self.room < size + UPKEEP or self.position + size > self._last) and not self._make_room(size):
            # There may be room in what is worthless; those who try again drive the search for it.
            if self.used > self.live + 2 * self.policy.size:
                self._compact(STEP_JOBS, STEP_BYTES)
            return False
        self._write_job(job, size)
        self.room -= UPKEEP
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
        self._fit(DELETION_SIZE)
        self._add(pack_deletion(job.id, self._seed()))
        self.room += UPKEEP

    def note_id(self, job_id: int) -> None:
        """No new job may ever get this id or a lower one. To be told before a job with this id is."""
        self._fit(DELETION_SIZE)
        self._add(pack_deletion(job_id, self._seed()))

    # What the driver calls

    @property
    def dirty(self) -> bool:
        """Whether something is not yet written."""
        return bool(self.pending)

    def commit(self) -> None:
        """Write what was reported; sync it if that is the policy. Then the replies of this turn may go out."""
        self._compact_some(4 * (self.position - self._pending_from))
        self._write()
        if self.policy.sync_always:
            self.sync()
        elif self.policy.sync_never:
            self._retire()
        if self.room > GENEROUS * self.policy.size:
            self._give_back()

    def sync(self) -> None:
        """Return when all that was reported is on the disk."""
        self._write()
        if self.unsynced:
            self._file.sync()
            self.unsynced = False
            self._retire()

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
        if not (self.pending or self.unsynced):
            self._add(pack_mark(self.current.number, self.position, self._seed()))

    def _seed(self) -> int:
        return seed(self.current.salt, self.position)

    def _add(self, record: bytes) -> None:
        self.pending.append(record)
        self.position += len(record)
        self.room -= len(record)
        self.written += 1

    def _write(self) -> None:
        if self.pending:
            self.pending.append(STOP)
            self._file.write(self._pending_from, b"".join(self.pending))
            self.pending.clear()
            self._pending_from = self.position
            self.unsynced = True

    # Segments

    def add_files(self, number: int) -> bool:
        """Take room of the disk until so many reserves wait; if it is not given, False and all as before."""
        before = set(self.reserve)
        while list(self.reserve.values()).count(self.policy.size) < number:
            if not self._add_file(self.policy.size):
                for name in set(self.reserve) - before:
                    self.disk.remove(name)
                    self.room -= usable(self.reserve.pop(name))
                return False
        return True

    def forget(self) -> None:
        """Start anew with empty books; the reserves stay."""
        self.segments.clear()
        self.used = self.live = 0
        self.room = sum(usable(size) for size in self.reserve.values() if size == self.policy.size) - self.policy.size

    def begin(self, number: int) -> None:
        """Make a new segment the current one. For the first there must be a reserve."""
        self._begin(number, 0)

    def resume(self, segment: Segment, position: int) -> None:
        """Go on in a segment that is there, behind its last good record; the rest of it is wiped."""
        self._file = self.disk.open(segment.name)
        self._go_to(segment, position)
        self.room += segment.limit - position

    def add_reserve(self, name: str, size: int) -> None:
        """Count in a file that waits to become a segment."""
        self.reserve[name] = size
        if size == self.policy.size:
            self.room += usable(size)
        self._reserves_made = max(self._reserves_made, int(name.rpartition(".")[2]))

    def _move_on(self, size: int) -> None:
        """Begin segments until one takes `size` bytes: on a full disk, compaction fills some at once."""
        for _ in range(len(self.segments) + 1):
            self._rotate(size)
            if self.position + size <= self._last:
                return
        raise LogFullError

    def add_reserves(self) -> None:
        """Try to have at least one reserve, and room."""
        if not self._has_spare():
            self._add_file(self.policy.size)
        self._make_room(0)

    def _has_spare(self) -> bool:
        """Whether a segment of the usual size waits to be used."""
        return self.policy.size in self.reserve.values()

    def _rotate(self, size: int) -> None:
        """Begin the next segment, which takes at least `size` bytes, then close this one: its end tells of the next."""
        self._write()
        old, file, position = self.current, self._file, self.position
        self.room -= old.limit - position
        self._begin(old.number + 1, size)
        file.write(position, pack_end(old.number + 1, seed(old.salt, position)) + STOP)
        if not self.policy.sync_never:
            file.sync()
        file.close()
        self.unsynced = False
        if not self._has_spare() and not self._add_file(self.policy.size) and not self._compacting:
            self._compact(0, 0)

    def _begin(self, number: int, size: int) -> None:
        name = self._reserve_of(self._file_size(size))
        capacity = self.reserve.pop(name)
        segment = Segment(number, self._salt(), capacity)
        self._file = self.disk.open(name)
        header = Header(number, segment.salt, self._last_id(), self._burials(), capacity).pack()
        self._file.write(0, header + STOP)
        self._file.write(segment.copy_at, header)
        if not self.policy.sync_never:
            self._file.sync()
        self.disk.rename(name, segment.name)
        self._sync_directory()
        self.segments[number] = segment
        self.used += capacity
        if capacity != self.policy.size:
            self.room += usable(capacity)
        self._go_to(segment, HEADER_SIZE)

    def _go_to(self, segment: Segment, position: int) -> None:
        self.current = segment
        self.position = self._pending_from = position
        self._last = segment.limit - MARK_SIZE

    def _file_size(self, size: int) -> int:
        """Of a file that takes a record of `size` bytes.

        Behind a large one there is still room for a segment's records: as much as it may leave unfilled before it.
        """
        needed = capacity_for(size + MARK_SIZE)
        return self.policy.size if needed <= self.policy.size else needed + self.policy.size

    def _reserve_of(self, capacity: int) -> str:
        name = self._fitting_reserve(capacity)
        if name is None and not self._add_file(capacity) and self.segments:
            self._settle()  # what is dead already may be large enough
        name = name or self._fitting_reserve(capacity)
        if name is None:
            raise LogFullError
        return name

    def _fitting_reserve(self, capacity: int) -> str | None:
        usual = self.policy.size
        fitting = [(size, name) for name, size in self.reserve.items() if size >= capacity]
        return min(fitting)[1] if fitting and (capacity > usual or min(fitting)[0] == usual) else None

    def _make_room(self, size: int) -> bool:
        """Try to take more of the disk where there is no room for a job of `size` bytes."""
        needed = size + UPKEEP
        if self.position + size > self._last:
            needed += self.current.limit - self.position  # stays empty
            capacity = self._file_size(size)
            if capacity > self.policy.size:
                needed -= size  # is not taken from here
                if not self._make_large(capacity):
                    return False
        while self.room < needed:
            if not self._add_file(self.policy.size):
                return False
        return True

    def _make_large(self, capacity: int) -> bool:
        """Try to have a file for a job larger than a segment, and one to compact it into."""
        while sum(size >= capacity for size in self.reserve.values()) < 2:
            if not self._add_file(capacity):
                return False
        return True

    def _add_file(self, capacity: int) -> bool:
        """Take `capacity` bytes of the disk for later; False if it does not give them."""
        name = RESERVE.format(self._reserves_made + 1)
        try:
            self.disk.create(name, capacity).close()
        except OSError as error:
            self._complain(error.strerror or str(error))
            return False
        self.add_reserve(name, capacity)
        return True

    def _retire(self, most: int = RETIRED_AT_ONCE) -> None:
        """Let go of the oldest segments that hold nothing living. Only called when all that was written is synced."""
        retired = 0
        while retired < most and not self.pending:
            oldest = next(iter(self.segments.values()))
            if oldest is self.current or oldest.live:
                break
            del self.segments[oldest.number]
            self.used -= oldest.capacity
            retired += 1
            if self._wants(oldest.capacity):
                name = RESERVE.format(self._reserves_made + 1)
                self.disk.rename(oldest.name, name)
                self.add_reserve(name, oldest.capacity)
            else:
                self.disk.remove(oldest.name)
            # Each for itself: a crash may forget an older removal and keep a newer one, which would look like a loss.
            self._sync_directory()

    def _give_back(self) -> None:
        """Return to the disk what more jobs once needed; one file a turn, for it takes time."""
        usual = self.policy.size
        names = [name for name, size in self.reserve.items() if size == usual]
        if len(names) > 1:
            del self.reserve[names[-1]]
            self.room -= usable(usual)
            self.disk.remove(names[-1])

    def _wants(self, capacity: int) -> bool:
        """Whether a file of that size is worth keeping."""
        usual = self.policy.size
        if capacity == usual:
            return self.room < usual or not self._has_spare()
        largest = max(segment.capacity for segment in self.segments.values())
        return usual < largest <= capacity and all(size < largest for size in self.reserve.values())

    def _sync_directory(self) -> None:
        if not self.policy.sync_never:
            self.disk.sync()

    # Compaction

    def _compact_some(self, size: int) -> None:
        """Compact for about `size` bytes if that is worth it: much of the log is worthless, or room is short."""
        spare = self.policy.size
        wasteful = self.used > 2 * self.live + 3 * spare
        if wasteful or (self.room < 0 and self.used > self.live + 2 * spare and not self._make_room(0)):
            self._compact(STEP_JOBS + size // DELETION_SIZE, STEP_BYTES + size)

    def _compact(self, jobs: int, size: int) -> None:
        """Write living jobs of the oldest segment anew: look at no more than `jobs`, write about `size` bytes.

        Where no spare is left, whole segments at once, until the file of one becomes the spare: what lives in there
        fits into the current segment, which was begun with the last spare there was.
        """
        self._compacting = True
        tried = 0
        oldest = self._first_living()
        while tried <= len(self.segments):
            if oldest is not None:
                self._compact_from(oldest, jobs, size)
            if self._has_spare():
                break
            self._settle()
            tried += 1
            oldest = self._first_living()
            if oldest is None or self._has_spare():
                break
        self._compacting = False

    def _compact_from(self, segment: Segment, jobs: int, size: int) -> None:
        while segment.compacted < len(segment.ids) and ((jobs > 0 and size > 0) or not self._has_spare()):
            job = self._job(segment.ids[segment.compacted])
            segment.compacted += 1
            jobs -= 1
            if job is not None and job.file == segment.number:
                segment.live -= 1
                self.migrated += 1
                size -= job_size(job)
                self._write_job(job, job_size(job))

    def _settle(self) -> None:
        """Write and sync what was compacted, and let go of what it was compacted from."""
        self._write()
        if not self.policy.sync_never:
            self._file.sync()
        self.unsynced = False
        self._retire(len(self.segments))

    def _first_living(self) -> Segment | None:
        """The oldest closed segment with a living job; those before it only wait for the next sync."""
        for segment in self.segments.values():
            if segment is self.current:
                return None
            if segment.live:
                return segment
        return None
