"""Opening a binlog: read the segments, restore the broker's jobs, go on where the log ends."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace

from ayl_server.binlog import beanstalkd
from ayl_server.binlog.disk import Disk, LogFullError
from ayl_server.binlog.log import Log, Policy
from ayl_server.binlog.records import (
    FRAME,
    HEADER_SIZE,
    Header,
    UnreadableError,
    is_stop,
    job_size,
    pack_end,
    parse_header,
    seed,
)
from ayl_server.binlog.replay import CorruptionError, Damage, Replay
from ayl_server.binlog.segment import SEGMENT, Segment, capacity_for, files_for, numbers
from ayl_server.broker import Broker
from ayl_server.clocks import Clocks
from ayl_server.model import Job

WIPE = 1024 * 1024
"""Bytes written at a time."""

IDS_SKIPPED = 1_000_000
"""For each damaged place; far more than a segment of the usual size can tell of."""

DAMAGED = "damaged.{}"
"""What a segment is called after its jobs were salvaged; nothing reads it any more."""


class RecoveryError(Exception):
    """The log cannot be opened as it is; the message says what is wrong where, and what can be done."""


@dataclass(frozen=True, slots=True)
class Recovery:
    """What was found."""

    log: Log
    jobs: int
    bytes_read: int
    torn: Damage | None
    damages: list[Damage]


@dataclass(frozen=True, slots=True)
class Tail:
    """A segment that may be the last one."""

    segment: Segment
    data: bytes  # up to the last good record
    closed: bool  # by an end record


@dataclass(slots=True)
class Reading:
    """The segments that there are."""

    segments: list[Segment] = field(default_factory=list)
    tails: list[Tail] = field(default_factory=list)
    bytes_read: int = 0


Progress = Callable[[int, int, int], None]
"""Told while reading: bytes read, bytes in all, jobs so far."""


def open_log(
    disk: Disk,
    policy: Policy,
    broker: Broker,
    clocks: Clocks,
    *,
    salt: Callable[[], int],
    complain: Callable[[str], None],
    progress: Progress | None = None,
    salvage: bool = False,
) -> Recovery:
    """Restore into `broker` what the segments in `disk` hold, and open the log for more. RecoveryError if it cannot be.

    With `salvage`, what is damaged is passed over and told; the files are kept under another name. Files become larger
    than the policy says if a job that is there needs it.
    """
    names = disk.names()
    found = numbers(names, "ayl-binlog")
    if not found:
        _refuse_foreign(disk, names)
    replay = Replay(shift=clocks.shift(), now=clocks.steady(), tube=broker.tube, salvage=salvage)
    try:
        read = _read(disk, found, replay, progress)
        replay.finish(found)
    except CorruptionError as error:
        raise _refusal(error.damage) from None
    # What is lost may have told of higher ids than what is left, and no id must ever be given twice.
    last_id = replay.last_id + IDS_SKIPPED * len(replay.damages)
    broker.restore(replay.jobs.values(), last_id, replay.burials)
    sizes = [job_size(job) for job in replay.jobs.values()]

    def log_of(size: int) -> Log:
        return Log(
            disk,
            replace(policy, size=size),
            job=broker.jobs.get,
            last_id=lambda: broker.last_id,
            burials=lambda: broker.burials,
            salt=salt,
            shift=clocks.shift,
            complain=complain,
        )

    # Only from here on anything is changed in the directory.
    if policy.syncs:
        _sync(disk, found)
    log = _continued(log_of, max(policy.size, capacity_for(max(sizes, default=0))), replay, sizes, read)
    log.ready()
    broker.journal = log
    return Recovery(log, len(sizes), read.bytes_read, replay.torn, replay.damages)


def _continued(log_of: Callable[[int], Log], size: int, replay: Replay, sizes: list[int], read: Reading) -> Log:
    """A log that goes on where the segments end, in files of `size` bytes; larger ones if it can have no others."""
    log = log_of(size)
    names = log.disk.names()
    misfits = log.reserves.adopt(names)
    found = {segment.capacity for segment in read.segments} or {size}
    if found == {size} and not replay.damages:
        _go_on(log, replay, sizes, read)
    elif log.reserves.fill_up(files_for(sizes, size)):
        _write_anew(log, list(replay.jobs.values()), read, keep=bool(replay.damages))
    elif len(found) == 1 and min(found) > size and not replay.damages:
        log = log_of(min(found))
        misfits = log.reserves.adopt(names)
        _go_on(log, replay, sizes, read)
    else:
        needed = files_for(sizes, size) * size
        raise RecoveryError(
            f"it must be written anew, in files of {size} bytes, and there is no room for that: {needed} bytes must be"
            " free; or start it with the -s and -z of before; nothing was changed"
        )
    for name in misfits:
        log.disk.remove(name)
    return log


def _refuse_foreign(disk: Disk, names: list[str]) -> None:
    for name in names:
        if name.startswith("binlog.") and beanstalkd.is_beanstalkd_file(disk.read(name, 0, 4)):
            raise RecoveryError(
                f"{name} is beanstalkd's: choose another directory with -b and take its jobs over with --import"
            )


def _read(disk: Disk, found: list[int], replay: Replay, progress: Progress | None) -> Reading:
    """Feed every segment."""
    reading = Reading()
    sizes = {number: disk.size(SEGMENT.format(number)) for number in found}
    total = sum(sizes.values())
    lasts = _possibly_last(disk, found)
    for number in found:
        name = SEGMENT.format(number)
        data = disk.read(name, 0, sizes[number])
        try:
            header = _header(data, number)
            end = replay.feed(header, data, last=number in lasts)
        except UnreadableError as error:
            replay.note_unreadable(number, str(error))
            header, end = Header(number, 0, 0, 0, len(data)), 0
            with suppress(UnreadableError):
                header = _header(data[-HEADER_SIZE:], number)
                end = replay.feed(header, data, last=number in lasts)
        segment = Segment(number, header.salt, len(data))
        segment.filled = max(0, end - HEADER_SIZE)
        reading.segments.append(segment)
        reading.bytes_read += len(data)
        if number in lasts:
            reading.tails.append(Tail(segment, data[:end], closed=replay.closed))
        if progress is not None:
            progress(reading.bytes_read, total, len(replay.jobs))
    return reading


def _possibly_last(disk: Disk, found: list[int]) -> list[int]:
    """The segments that may end without an end record.

    The one before the last is among them if the last holds no record: the crash may have come between its beginning and
    the other's end.
    """
    if not found or not is_stop(disk.read(SEGMENT.format(found[-1]), HEADER_SIZE, FRAME.size), 0):
        return found[-1:]
    return found[-2:]


def _sync(disk: Disk, found: list[int]) -> None:
    """Have all that was read on the disk before anything that relies on it: there may have been no syncs till now."""
    for number in found:
        file = disk.open(SEGMENT.format(number))
        file.sync()
        file.close()
    disk.sync()


def _renew(disk: Disk, segment: Segment, data: bytes) -> None:
    """Write again what was read, and sync it.

    A server that was killed, or whose sync failed, may have left what we read in the system's memory only, where it
    counts as written after a failed sync. Clients rely on it now, and the next mark will say that it is on the disk.
    """
    file = disk.open(segment.name)
    for offset in range(0, len(data), WIPE):
        file.write(offset, data[offset : offset + WIPE])
    file.sync()
    file.close()


def _end(disk: Disk, segment: Segment, end: int) -> None:
    """Do what a crash has left undone: the segment after this one has been begun."""
    file = disk.open(segment.name)
    file.write(end, pack_end(segment.number + 1, seed(segment.salt, end)))
    file.sync()
    file.close()


def _header(data: bytes, number: int) -> Header:
    header = parse_header(data)
    if header.number != number:
        raise UnreadableError(f"it was written as {SEGMENT.format(header.number)} and renamed")
    return header


def _refusal(damage: Damage) -> RecoveryError:
    return RecoveryError(
        f"{SEGMENT.format(damage.number)}, offset {damage.offset}: {damage.reason}. Nothing was changed. Restore the"
        " file from a copy, or start with --salvage to go on with what can be read; the damaged files are kept"
    )


def _go_on(log: Log, replay: Replay, sizes: list[int], read: Reading) -> None:
    """Make the last segment the current one, or begin the first."""
    if not read.tails:
        if not log.reserves.fill_up(1):
            raise RecoveryError(
                f"its first file takes {log.policy.size} bytes (-s, or more if -z needs it), and the disk does not give"
                f" them: {log.reserves.trouble}"
            )
        log.begin(1)
        return
    log.segments.update((segment.number, segment) for segment in read.segments)
    for job in replay.jobs.values():
        segment = log.segments[job.file]
        segment.ids.append(job.id)
        segment.live += 1
    log.jobs = len(sizes)
    log.live = sum(sizes)
    log.filled = sum(segment.filled for segment in read.segments)
    log.retired = replay.retired
    _close(log, read.tails[:-1])
    last = read.tails[-1]
    if log.policy.syncs:
        _renew(log.disk, last.segment, last.data)
    _wipe(log, last)
    log.resume(last.segment, len(last.data))


def _wipe(log: Log, tail: Tail) -> None:
    """Overwrite what may stand behind the last good record: it must never be read again."""
    disk, name, end = log.disk, tail.segment.name, tail.segment.copy_at
    # That it looks empty does not mean that it is so on the disk: an earlier start may have failed to sync its wipe.
    if not log.policy.syncs and not disk.read(name, len(tail.data), end - len(tail.data)).strip(b"\0"):
        return
    file = disk.open(name)
    for offset in range(len(tail.data), end, WIPE):
        file.write(offset, bytes(min(WIPE, end - offset)))
    file.sync()
    file.close()


def _write_anew(log: Log, jobs: list[Job], old: Reading, *, keep: bool) -> None:
    """All jobs into new segments, for which there is room, then the old ones out of the way.

    A crash in between leaves a log in which some jobs stand twice, with the same words.
    """
    last = old.segments[-1].number
    if not keep:
        _close(log, old.tails[:-1])
    log.begin(last + 1)
    if not keep:
        _close(log, old.tails[-1:])
    for job in jobs:
        if not log.inserted(job):
            raise LogFullError
    log.sync()
    log.retire_before(last + 1)
    for segment in old.segments:
        if keep:
            log.disk.rename(segment.name, DAMAGED.format(segment.name))
        else:
            log.disk.remove(segment.name)
    log.disk.sync()


def _close(log: Log, tails: list[Tail]) -> None:
    """End what has no end yet; a segment has been begun behind it."""
    for tail in tails:
        if log.policy.syncs:
            _renew(log.disk, tail.segment, tail.data)
        if not tail.closed:
            _wipe(log, tail)
            _end(log.disk, tail.segment, len(tail.data))
