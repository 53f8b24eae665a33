"""What tests of the log look at: its books, and its files."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from ayl_server.binlog.records import JOB_FIXED, job_size
from ayl_server.binlog.segment import UPKEEP, largest, usable

from .machine import ALWAYS, LATER, NEVER, SIZE, Machine

if TYPE_CHECKING:
    from .machine import Run

POLICIES = pytest.mark.parametrize("policy", [ALWAYS, LATER, NEVER], ids=["always", "later", "never"])

LARGEST = largest(SIZE) - JOB_FIXED - len(b"default")
"""The longest body that files of this size take in the default tube."""


def fill(run: Run, body: bytes = b"x" * 50) -> list[int]:
    """Put until there is no room; the ids."""
    ids = []
    while (job_id := run.put(body)) is not None:
        ids.append(job_id)
    run.commit()
    return ids


def check(run: Run, machine: Machine) -> None:
    """The log's books are what a recount gives."""
    log, jobs = run.log, list(run.broker.jobs.values())
    assert log.live == sum(map(job_size, jobs))
    assert log.jobs == len(jobs)
    free = usable(log.policy.size) * len(log.reserves.names) + log.current.limit - log.position
    assert log.room == free - UPKEEP * len(jobs) - log.policy.size
    files = [*(segment.name for segment in log.segments.values()), *log.reserves.names]
    assert {name: machine.disk.size(name) for name in machine.disk.names()} == dict.fromkeys(files, log.policy.size)
    living = Counter(job.file for job in jobs)
    assert {segment.number: segment.live for segment in log.segments.values()} == {n: living[n] for n in log.segments}
    assert all(job.id in log.segments[job.file].ids for job in jobs)


def filled(jobs: int = 40) -> tuple[Machine, Run]:
    """Some segments, of a server that was stopped well."""
    machine = Machine()
    run = machine.start()
    for number in range(jobs):
        run.put(b"%d " % number * 100)
        run.commit()
    run.close()
    assert len(machine.segments()) >= 3
    return machine, run
