"""Take over the jobs of a beanstalkd: read its binlog, write ours.

Its directory is only read. Ours bears a mark while the jobs are being written, so that half a takeover is never taken
for a whole one: what is marked is thrown away and done again.
"""

import fcntl
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ayl_server.binlog import beanstalkd
from ayl_server.binlog.disk import Disk, LockedError
from ayl_server.binlog.log import Log
from ayl_server.binlog.segment import PAGE, SEGMENT, capacity_of, numbers
from ayl_server.broker import Broker
from ayl_server.clocks import Clocks
from ayl_server.model import BURIED, DELAYED, Job

HALFWAY = "takeover-begun"
DONE = "takeover-done"

Progress = Callable[[int, int, int], None]
"""Told while writing: jobs written, jobs in all, and the former once more."""

SYNC_EVERY = 10_000
"""Jobs that are collected before they are written."""


class TakeoverError(Exception):
    """The old server's jobs cannot be taken over; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Report:
    """What came of it."""

    jobs: int
    damages: list[beanstalkd.Damage]


def is_half(disk: Disk) -> bool:
    """Whether a takeover was interrupted."""
    return HALFWAY in disk.names()


def forget_half(disk: Disk) -> bool:
    """Throw away what an interrupted takeover has left; whether there was anything. Before the log is opened."""
    if not is_half(disk):
        return False
    for number in numbers(disk.names(), "ayl-binlog"):
        disk.remove(SEGMENT.format(number))
    disk.sync()
    disk.remove(HALFWAY)
    disk.sync()
    return True


def done_before(old: Path, disk: Disk) -> bool:
    """Whether the jobs in `old` have been taken over by an earlier start; TakeoverError if those of another have."""
    if DONE not in disk.names():
        return False
    done = os.fsdecode(disk.read(DONE, 0, PAGE).rstrip(b"\0"))
    if done != str(old.absolute()):
        raise TakeoverError(f"the jobs of {done} were taken over by an earlier start; those of {old} need another -b")
    return True


def take_over(
    old: Path, disk: Disk, log: Log, broker: Broker, clocks: Clocks, progress: Progress = lambda *_: None
) -> Report:
    """Give the jobs in `old` to the broker and its binlog, which hold none yet; TakeoverError if that cannot be."""
    if len(broker.jobs) or broker.last_id:
        raise TakeoverError("the binlog directory already holds jobs; take over into an empty one")
    lock = _lock(old)
    try:
        return _take_over(old, _read(old), disk, log, broker, clocks, progress)
    finally:
        if lock is not None:
            os.close(lock)


def _take_over(
    old: Path,
    found: beanstalkd.Takeover,
    disk: Disk,
    log: Log,
    broker: Broker,
    clocks: Clocks,
    progress: Progress,
) -> Report:
    if found.damages and not found.jobs:
        damage = found.damages[0]
        raise TakeoverError(f"nothing in {old} can be read: {damage.file}, offset {damage.offset}: {damage.reason}")
    largest = max((len(one.body) for one in found.jobs), default=0)
    if capacity_of(0, largest) > log.policy.size:
        raise TakeoverError(f"the largest of the jobs has {largest} bytes: start with -z {largest}, or more")
    mark = disk.create(HALFWAY, PAGE)
    mark.write(0, os.fsencode(old.absolute())[:PAGE])
    mark.sync()
    mark.close()
    disk.sync()
    broker.last_id = found.highest_id
    log.note_id(found.highest_id)
    order = {job_id: float(number) for number, job_id in enumerate(found.buried, 1)}
    jobs = []
    for count, one in enumerate(found.jobs, 1):
        job = _job(one, broker, clocks, order)
        if not log.inserted(job):
            raise TakeoverError("the disk has no room for the jobs; nothing has been taken over")
        jobs.append(job)
        if count % SYNC_EVERY == 0:
            log.sync()
            progress(count, len(found.jobs), count)
    broker.restore(jobs, found.highest_id, len(order))
    log.sync()
    progress(len(jobs), len(jobs), len(jobs))
    disk.rename(HALFWAY, DONE)
    disk.sync()
    return Report(len(jobs), found.damages)


def _read(old: Path) -> beanstalkd.Takeover:
    found = [(number, path) for path in old.iterdir() if (number := beanstalkd.file_number(path.name)) is not None]
    if not found:
        raise TakeoverError(f"{old} holds no binlog of beanstalkd")
    return beanstalkd.read((path.name, path.read_bytes()) for _, path in sorted(found))


def _lock(old: Path) -> int | None:
    """Make sure that no beanstalkd runs there. Without its lock file none does, and ours need not be left behind."""
    try:
        descriptor = os.open(old / "lock", os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise LockedError(f"a server still uses {old}: stop it first") from None
    return descriptor


def _job(one: beanstalkd.FoundJob, broker: Broker, clocks: Clocks, order: dict[int, float]) -> Job:
    shift, now = clocks.shift(), clocks.steady()
    tube = broker.tube(one.tube)
    job = Job(one.id, one.pri, one.delay, one.ttr, one.body, tube, min(one.created - shift, now))
    job.state = one.state
    if one.state == DELAYED:
        job.deadline = min(one.deadline - shift, now + one.delay)
    elif one.state == BURIED:
        job.deadline = order[one.id]
    job.reserves = one.reserves
    if one.timeouts or one.releases or one.buries or one.kicks:
        past = job.past()
        past.timeouts, past.releases, past.buries, past.kicks = one.timeouts, one.releases, one.buries, one.kicks
    return job
