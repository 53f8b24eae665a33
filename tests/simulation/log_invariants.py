"""What must hold of a log and its directory between any two turns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ayl_server.binlog.records import job_size
from ayl_server.binlog.segment import UPKEEP, usable

from .faults import BrokenError
from .invariants import expect

if TYPE_CHECKING:
    from ayl_server.binlog.log import Log
    from ayl_server.broker import Broker

    from .disk import SimulatedDisk


def check_log(log: Log, broker: Broker, disk: SimulatedDisk) -> None:
    """BrokenError if something does not hold."""
    jobs = list(broker.jobs.values())
    current = log.current
    numbers = list(log.segments)
    expect("segments' numbers", numbers, sorted(numbers))
    expect("last segment", numbers[-1], current.number)
    expect("live", log.live, sum(job_size(job) for job in jobs))
    expect("jobs", log.jobs, len(jobs))
    free = usable(log.policy.size) * len(log.reserves.names) + current.limit - log.position
    expect("room", log.room, free - UPKEEP * len(jobs) - log.policy.size)
    files = [*(segment.name for segment in log.segments.values()), *log.reserves.names]
    expect("files", {name: disk.size(name) for name in disk.names()}, dict.fromkeys(files, log.policy.size))
    check_segments(log, broker)


def check_segments(log: Log, broker: Broker) -> None:
    """Each job is where it says, and compaction will still come by it."""
    live = dict.fromkeys(log.segments, 0)
    ids = {number: set(segment.ids[segment.compacted :]) for number, segment in log.segments.items()}
    for job in broker.jobs.values():
        if job.id not in ids.get(job.file, ()):
            raise BrokenError(f"job {job.id} is not in segment {job.file}, or compaction has passed it by")
        live[job.file] += 1
    expect("segments' living jobs", {number: segment.live for number, segment in log.segments.items()}, live)
