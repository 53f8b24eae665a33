"""Single jobs: what a server knows of them, and what is in them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from ayl.admin import bodies
from ayl.admin.conversation import MOST_AT_ONCE, conversation, there
from ayl.admin.facts import count, plain

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator

    from ayl.admin.conversation import Conversation, Report
    from ayl.admin.server import Server

STATES = ("ready", "reserved", "delayed", "buried")


@dataclass(frozen=True, slots=True)
class Job:
    """One job as it is now."""

    id: int
    tube: str
    state: str
    """One of STATES."""
    priority: int
    age: int
    """Seconds since it was put."""
    delay: int
    """Seconds that it was last given; `time_left` says how many are left."""
    time_to_run: int
    """Seconds."""
    time_left: int
    """Seconds until a delayed job is ready, or until the lease of a reserved one ends; 0 for others."""
    file: int
    """Of the binlog; 0 without one."""
    reserves: int
    timeouts: int
    releases: int
    buries: int
    kicks: int
    body: bodies.Body | None = None
    """None where only the server's statistics were asked for."""


_COUNTS = ("age", "delay", "time-left", "file", "reserves", "timeouts", "releases", "buries", "kicks")


def read(stats: Report, body: bytes | None = None) -> Job:
    """A job from the server's report and, if that was asked for, from its body."""
    report = plain(stats)
    return Job(
        id=int(report["id"]),
        tube=str(report["tube"]),
        state=str(report["state"]),
        priority=count(report, "pri"),
        time_to_run=count(report, "ttr"),
        body=None if body is None else bodies.read(body),
        **{name.replace("-", "_"): count(report, name) for name in _COUNTS},
    )


def found(client: Conversation, ids: Iterable[int]) -> Iterator[Job]:
    """Those of these jobs that are there, with their bodies; a portion at a time, as bodies may be large."""
    rest = iter(ids)
    while portion := [*islice(rest, MOST_AT_ONCE)]:
        peeks = client.ask((b"peek %d\r\n" % job for job in portion), b"FOUND", body=True)
        kept = {int(reply.words[0]): reply.body for answer in peeks if (reply := there(answer)) is not None}
        reports = [*client.reports(b"stats-job %d\r\n" % job for job in kept)]
        for body, answer in zip(kept.values(), reports, strict=True):
            if (report := there(answer)) is not None:
                yield read(report, body)


@dataclass(frozen=True, slots=True)
class Declined:
    """A job that something could not be done with."""

    id: int
    state: str
    """As it is now; empty if there is no such job."""


@dataclass(frozen=True, slots=True)
class Done:
    """What was done with jobs that were named by their ids, so far."""

    done: list[int]
    declined: list[Declined]


def command_each(server: Server, ids: Iterable[int], command: bytes, expected: bytes) -> Generator[Done, None, None]:
    """Give a command about each of these jobs; what was done so far, a portion at a time."""
    result = Done([], [])
    rest = iter(dict.fromkeys(ids))
    with conversation(server) as client:
        yield result
        while portion := [*islice(rest, MOST_AT_ONCE)]:
            answers = [*client.ask((b"%b %d\r\n" % (command, job) for job in portion), expected)]
            missed = [job for job, answer in zip(portion, answers, strict=True) if there(answer) is None]
            gone = {*missed}
            result.done.extend(job for job in portion if job not in gone)
            states = client.reports(b"stats-job %d\r\n" % job for job in missed)
            for job, answer in zip(missed, states, strict=True):
                report = there(answer)
                result.declined.append(Declined(job, "" if report is None else str(report["state"])))
            yield result
