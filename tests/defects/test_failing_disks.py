"""D7, D8: a disk that fails or is full costs nobody a job that was acknowledged."""

from __future__ import annotations

import resource
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.crashes.disks import KILOBYTE, metered
from tests.crashes.servers import Place
from tests.crashes.wire import Gone, Wire

from .looks import ORIGINAL, Look, ours

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.processes.servers import Kind, Server

PUT = b"put 9 0 1000 1000\r\n%b\r\n" % (b"x" * 1000)

DEAF = ("sh", "-c", 'trap "" XFSZ; exec "$@"', "sh")
"""Starts a command that is not killed where a file may not grow, but gets an error there."""


def limit_files(server: Server, size: int) -> None:
    """From now on no file may be longer: the kernel answers EFBIG. It takes neither rights nor a disk of its own."""
    pid = server.process.pid
    _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, hard))


# D7


@dataclass
class Failure:
    """What happened from the first write on that failed."""

    acknowledged: list[int] = field(default_factory=list)
    """Jobs that were put, or so clients were told."""
    buried: int = 0
    given_twice: bool = False
    exit_code: int | None = None
    """None if the server went on."""
    said: str = ""
    kept: list[int] = field(default_factory=list)
    """Jobs that are there after a restart."""


@Look
def a_write_fails(folder: Path, kind: Kind) -> Failure:
    seen = Failure()
    place = Place(folder)
    with place.serving("-s", "65536", "-f0", kind=kind, prefix=DEAF) as server:
        with closing(Wire(server.dial())) as wire, suppress(Gone):
            _put(wire, 5, seen)
            limit_files(server, 8192)
            _put(wire, 20, seen)
            seen.given_twice = _given_twice(server, seen.buried)
        if kind is not ORIGINAL:
            seen.exit_code = server.wait()
        seen.said = server.log()
    with place.serving("-s", "65536", kind=kind) as server, closing(Wire(server.dial())) as wire:
        seen.kept = [
            answer.number for answer in wire.ask_all([b"peek %d\r\n" % job for job in range(1, 50)]) if answer.body
        ]
    return seen


def _put(wire: Wire, jobs: int, seen: Failure) -> None:
    for _ in range(jobs):
        answer = wire.ask(PUT)
        if answer.word == b"INSERTED":
            seen.acknowledged.append(answer.number)
        else:
            seen.buried = answer.number


def _given_twice(server: Server, job: int) -> bool:
    """Whether two clients get that job, and neither has let go of it."""
    with closing(Wire(server.dial())) as one, closing(Wire(server.dial())) as other:
        if one.ask(b"reserve-job %d\r\n" % job).word != b"RESERVED":
            return False
        while (answer := other.ask(b"reserve-with-timeout 0\r\n")).word == b"RESERVED":
            if answer.number == job:
                return True
        return False


@ours
def test_a_write_error_ends_the_server_with_a_word_and_no_acknowledged_job_is_lost(kind: Kind) -> None:
    seen = a_write_fails.at(kind)
    assert seen.exit_code == 1
    assert "disk_failed" in seen.said
    assert "File too large" in seen.said
    assert len(seen.acknowledged) >= 5
    assert seen.kept == seen.acknowledged


def test_after_a_write_error_the_original_acknowledges_jobs_that_it_does_not_write() -> None:
    seen = a_write_fails.at(ORIGINAL)
    assert len(seen.acknowledged) == 24
    assert len(seen.kept) < 10


def test_after_a_write_error_the_original_gives_one_job_to_two_clients() -> None:
    seen = a_write_fails.at(ORIGINAL)
    assert seen.buried
    assert seen.given_twice


# D8


@contextmanager
def nearly_full(folder: Path, kind: Kind) -> Iterator[Server]:
    """A server on a disk that takes a few jobs more."""
    if kind is ORIGINAL:
        with Place(folder).serving("-s", "10000", "-f0", kind=kind, prefix=DEAF) as server:
            with closing(Wire(server.dial())) as wire:
                wire.ask(PUT)  # the first file is there
            limit_files(server, 9990)  # long enough for what goes into it, but there will be no other
            yield server
    else:
        with metered(folder) as disk:
            disk.resize(256 * KILOBYTE)
            with disk.place.serving("-s", "65536", "-f0", kind=kind, faulty=True) as server:
                yield server


@dataclass
class Full:
    """What becomes of jobs on a full disk."""

    ghost: bytes = b""
    """The answer to a peek for a job that was refused."""
    settled: dict[int, bytes] = field(default_factory=dict)
    """The answers to releases with a delay, and to burials."""
    deleted: dict[int, bytes] = field(default_factory=dict)
    """The answers to deletes, after the jobs' owner has gone."""


@Look
def a_full_disk(folder: Path, kind: Kind) -> Full:
    seen = Full()
    with nearly_full(folder, kind) as server:
        with closing(Wire(server.dial())) as worker:
            jobs = []
            while (answer := worker.ask(PUT)).word == b"INSERTED":
                jobs.append(answer.number)
            assert answer.word == b"OUT_OF_MEMORY"
            seen.ghost = worker.ask(b"peek %d\r\n" % (jobs[-1] + 1)).word
            for job in jobs:
                worker.ask(b"reserve-job %d\r\n" % job)
                line = b"bury %d 0\r\n" if job % 2 else b"release %d 0 1000\r\n"
                seen.settled[job] = worker.ask(line % job).word
        with closing(Wire(server.dial())) as other:
            seen.deleted = {job: other.ask(b"delete %d\r\n" % job).word for job in jobs}
    return seen


@ours
def test_on_a_full_disk_jobs_can_be_settled_and_those_that_were_refused_are_not_there(kind: Kind) -> None:
    seen = a_full_disk.at(kind)
    assert len(seen.settled) > 50
    assert seen.ghost == b"NOT_FOUND"
    for job, word in seen.settled.items():
        assert word == (b"BURIED" if job % 2 else b"RELEASED")
    assert set(seen.deleted.values()) == {b"DELETED"}


def test_on_a_full_disk_the_original_loses_hold_of_jobs_and_makes_ghosts() -> None:
    seen = a_full_disk.at(ORIGINAL)
    assert seen.ghost == b"FOUND"
    refused = [job for job, word in seen.settled.items() if word in (b"OUT_OF_MEMORY", b"INTERNAL_ERROR")]
    assert refused
    assert all(seen.deleted[job] == b"NOT_FOUND" for job in refused)
