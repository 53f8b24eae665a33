"""Opening a binlog: read the segments, restore the broker's jobs, go on where the log ends."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise

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
from ayl_server.binlog.segment import RESERVE, SEGMENT, UPKEEP, Segment, files_for, numbers, usable
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


@dataclass(slots=True)
class Recovery:
    """What was found."""

    log: Log
    jobs: int = 0
    bytes_read: int = 0
    torn: Damage | None = None
    damages: list[Damage] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Tail:
    """A segment that may be the last one."""

    segment: Segment
    data: bytes  # up to the last good record
    closed: bool  # by an end record


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

    With `salvage`, what is damaged is passed over and told; the files are kept under another name.
    """
    log = Log(
        disk,
        policy,
        job=broker.jobs.get,
        last_id=lambda: broker.last_id,
        burials=lambda: broker.burials,
        salt=salt,
        shift=clocks.shift,
        complain=complain,
    )
    recovery = Recovery(log)
    names = disk.names()
    found = numbers(names, "ayl-binlog")
    if not found:
        _refuse_foreign(disk, names)
    replay = Replay(shift=clocks.shift(), now=clocks.steady(), tube=broker.tube, salvage=salvage)
    try:
        _note_gaps(found, replay)
        tails = _read(disk, found, log, replay, recovery, progress)
        if replay.closed and found:
            replay.note_missing(found[-1] + 1)
    except CorruptionError as error:
        raise _refusal(error.damage) from None
    # What is lost may have told of higher ids than what is left, and no id must ever be given twice.
    last_id = replay.last_id + IDS_SKIPPED * len(replay.damages)
    broker.restore(replay.jobs.values(), last_id, replay.burials)
    recovery.jobs = len(replay.jobs)
    recovery.torn = replay.torn
    recovery.damages = replay.damages
    # Only from here on anything is changed in the directory.
    _count_in_reserve(log, names)
    if replay.damages:
        _write_anew(log, broker, tails, keep=True)
    else:
        _count_in_jobs(log, replay)
        if _has_other_sizes(log, replay.jobs):
            _write_anew(log, broker, tails, keep=False)
        else:
            _go_on(log, tails)
    broker.journal = log
    return recovery


def _refuse_foreign(disk: Disk, names: list[str]) -> None:
    for name in names:
        if name.startswith("binlog.") and beanstalkd.is_beanstalkd_file(disk.read(name, 0, 4)):
            raise RecoveryError(
                f"{name} is beanstalkd's: choose another directory with -b and take its jobs over with --import"
            )


def _count_in_reserve(log: Log, names: list[str]) -> None:
    """Reserves of another size would be in the way after -s was changed."""
    for number in numbers(names, "reserve"):
        name = RESERVE.format(number)
        if log.disk.size(name) == log.policy.size:
            log.add_reserve(name, log.policy.size)
        else:
            log.disk.remove(name)


def _read(
    disk: Disk, found: list[int], log: Log, replay: Replay, recovery: Recovery, progress: Progress | None
) -> list[Tail]:
    """Feed every segment; those that may be the last, as far as they go."""
    tails: list[Tail] = []
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
        segment = log.segments[number] = Segment(number, header.salt, len(data))
        log.used += len(data)
        if number in lasts:
            tails.append(Tail(segment, data[:end], closed=replay.closed))
        recovery.bytes_read += len(data)
        if progress is not None:
            progress(recovery.bytes_read, total, len(replay.jobs))
    return tails


def _possibly_last(disk: Disk, found: list[int]) -> list[int]:
    """The segments that may end without an end record.

    The one before the last is among them if the last holds no record: the crash may have come between its beginning and
    the other's end.
    """
    if not found or not is_stop(disk.read(SEGMENT.format(found[-1]), HEADER_SIZE, FRAME.size), 0):
        return found[-1:]
    return found[-2:]


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


def _note_gaps(found: list[int], replay: Replay) -> None:
    """Only the oldest segments are ever removed, so one that is missing in between is a loss."""
    for before, after in pairwise(found):
        if after != before + 1:
            replay.note_missing(before + 1)


def _refusal(damage: Damage) -> RecoveryError:
    return RecoveryError(
        f"{SEGMENT.format(damage.number)}, offset {damage.offset}: {damage.reason}. Nothing was changed. Restore the"
        " file from a copy, or start with --salvage to go on with what can be read; the damaged files are kept"
    )


def _count_in_jobs(log: Log, replay: Replay) -> None:
    segments = log.segments
    live = 0
    for job in replay.jobs.values():
        segment = segments[job.file]
        segment.ids.append(job.id)
        segment.live += 1
        live += job_size(job)
    log.live += live
    log.room -= UPKEEP * len(replay.jobs)


def _go_on(log: Log, tails: list[Tail]) -> None:
    """Make the last segment the current one, or begin the first."""
    if not tails:
        log.begin(1)
    else:
        _close(log, tails[:-1])
        last = tails[-1]
        if not log.policy.sync_never:
            _renew(log.disk, last.segment, last.data)
            log.disk.sync()
        _wipe(log.disk, last.segment, len(last.data))
        log.resume(last.segment, len(last.data))
    log.add_reserves()


def _wipe(disk: Disk, segment: Segment, start: int) -> None:
    """Overwrite what stands behind the last good record, if anything does: it must never be read again."""
    end = segment.copy_at
    if not disk.read(segment.name, start, end - start).strip(b"\0"):
        return
    file = disk.open(segment.name)
    for offset in range(start, end, WIPE):
        file.write(offset, bytes(min(WIPE, end - offset)))
    file.sync()
    file.close()


def _has_other_sizes(log: Log, jobs: dict[int, Job]) -> bool:
    """Whether -s was changed: then no segment could be compacted into one of the new size for certain.

    A larger file may also have been made for a large job, which may have gone since; what it leaves is not much.
    """
    usual = log.policy.size
    if any(segment.capacity < usual for segment in log.segments.values()):
        return True
    for segment in log.segments.values():
        if segment.capacity > usual:
            sizes = [job_size(job) for number in segment.ids if (job := jobs.get(number)) is not None]
            if sum(sizes) > 2 * usable(usual) >= 2 * max(sizes):
                return True
    return False


def _write_anew(log: Log, broker: Broker, tails: list[Tail], *, keep: bool) -> None:
    """All jobs into new segments, then the old ones out of the way; RecoveryError, and all as before, without room.

    A crash in between leaves a log in which some jobs stand twice, with the same words.
    """
    old = list(log.segments.values())
    jobs = list(broker.jobs.values())
    log.forget()
    if not log.add_files(files_for(map(job_size, jobs), log.policy.size)):
        raise RecoveryError(
            "there is no room to write it anew, which a change of -s and a salvage need; nothing was changed"
        )
    log.begin(old[-1].number + 1)
    if not keep:
        _close(log, tails)
    for job in jobs:
        if not log.inserted(job):
            raise LogFullError
    log.commit()
    log.sync()
    for segment in old:
        if keep:
            log.disk.rename(segment.name, DAMAGED.format(segment.name))
        else:
            log.disk.remove(segment.name)
    log.disk.sync()
    log.add_reserves()


def _close(log: Log, tails: list[Tail]) -> None:
    """End what has no end yet; a segment has been begun behind it."""
    for tail in tails:
        if not log.policy.sync_never:
            _renew(log.disk, tail.segment, tail.data)
        if not tail.closed:
            _wipe(log.disk, tail.segment, len(tail.data))
            _end(log.disk, tail.segment, len(tail.data))
