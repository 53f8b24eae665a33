"""A real beanstalkd with a binlog: jobs in every state, and what it says of them before it dies."""

from __future__ import annotations

import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import greenstalk

from ayl_server.binlog.beanstalkd import FoundJob, Takeover, file_number, read
from tests.processes.servers import BEANSTALKD, serving

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from tests.processes.servers import Server

    Client = greenstalk.Client[bytes]

LENIENCE = 1.5
"""Seconds by which whole seconds, and our clock's reading a moment later, may be beside the truth."""

COUNTERS = ("reserves", "timeouts", "releases", "buries", "kicks")


@contextmanager
def beanstalkd(folder: Path, *options: str) -> Iterator[Server]:
    """A server that keeps its binlog in `folder`/log. It is killed in the end."""
    (folder / "log").mkdir(exist_ok=True)
    with serving(BEANSTALKD, folder, "-b", str(folder / "log"), *options, tcp=False) as server:
        yield server


def files(folder: Path) -> list[tuple[str, bytes]]:
    """The binlog's files in their order."""
    numbered = {file_number(path.name): path for path in (folder / "log").iterdir() if path.name != "lock"}
    return [(numbered[n].name, numbered[n].read_bytes()) for n in sorted(n for n in numbered if n is not None)]


def take_over(folder: Path) -> Takeover:
    return read(files(folder))


@dataclass(frozen=True)
class Told:
    """What the server says of a job."""

    body: bytes
    stats: greenstalk.StatsJob
    before: float
    after: float
    """Between these it said so, seconds on the wall clock."""

    def is_of(self, job: FoundJob) -> bool:
        """Whether `job` is this one, where nothing happened to it that beanstalkd does not write down."""
        s = self.stats
        fixed = (job.id, job.tube.decode(), job.state, job.pri, job.delay, job.ttr, job.body) == (
            s["id"], s["tube"], s["state"], s["pri"], s["delay"], s["ttr"], self.body
        )  # fmt: skip
        counted = all(getattr(job, name) == s[name] for name in COUNTERS)  # type: ignore[literal-required]
        return fixed and counted and self.is_as_old_as(job) and self.is_due_with(job)

    def is_as_old_as(self, job: FoundJob) -> bool:
        return self.before - LENIENCE < job.created + self.stats["age"] < self.after + LENIENCE

    def is_due_with(self, job: FoundJob) -> bool:
        if job.state != "delayed":
            return job.deadline == 0
        return self.before - LENIENCE < job.deadline - self.stats["time-left"] < self.after + LENIENCE


def told(client: Client, job_ids: Iterable[int]) -> dict[int, Told]:
    """What the server says of those of these jobs that there are."""
    answers = {}
    for job_id in job_ids:
        with suppress(greenstalk.NotFoundError):
            before = time.time()
            stats = client.stats_job(job_id)
            answers[job_id] = Told(client.peek(job_id).body, stats, before, time.time())
    return answers


def bury(client: Client, *job_ids: int) -> None:
    """Reserve and bury each, in this order."""
    for job_id in job_ids:
        client.bury(client.reserve_job(job_id), priority=job_id)


def churn(client: Client, times: int, body: bytes) -> None:
    """Put and delete, so that the log grows."""
    for _ in range(times):
        client.delete(client.put(body))
