"""D2, D3: nobody reads memory that belongs to somebody else's job."""

from __future__ import annotations

import socket
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.crashes.wire import Gone, Wire, report
from tests.processes.deadline import eventually
from tests.processes.servers import serving

from .looks import ORIGINAL, Look, ours, tell

if TYPE_CHECKING:
    from pathlib import Path

    from tests.processes.servers import Kind

LARGE = 3_000_000
"""Bytes; the original hands such memory back to the system at once."""

SMALL = 60_000
"""Bytes; such memory goes to the next job."""


def put(wire: Wire, body: bytes) -> int:
    return wire.ask(b"put 0 0 9 %d\r\n%b\r\n" % (len(body), body)).number


def _await_quiet(onlooker: Wire) -> None:
    """Until the server can send no more to somebody who does not read."""
    looks: list[str] = []

    def unchanged() -> bool:
        looks.append(report(onlooker.ask(b"stats\r\n"))["cmd-peek"])
        return looks[-1] != "0" and len(looks) > 5 and len(set(looks[-5:])) == 1

    eventually(unchanged)


def _read_late(folder: Path, kind: Kind, size: int) -> list[bytes]:
    """The bodies that somebody gets who peeks, is slow to read, and whose job is meanwhile deleted."""
    peeks = 20 if size == SMALL else 1
    with serving(kind, folder, "-z", str(LARGE), tcp=False) as server:
        slow = server.dial()
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        with closing(Wire(server.dial())) as other, closing(Wire(slow)) as reader:
            job = put(other, b"a" * size)
            reader.send(b"peek %d\r\n" % job * peeks)
            _await_quiet(other)
            other.ask(b"delete %d\r\n" % job)
            for _ in range(3):
                put(other, b"b" * size)
            bodies: list[bytes] = []
            try:
                while len(bodies) < peeks and (answer := reader.answer()).word == b"FOUND":
                    bodies.append(answer.body)
            except Gone:
                bodies.append(b"the connection was dropped")
            return bodies


@Look
def large_body_read_late(folder: Path, kind: Kind) -> list[bytes]:
    return _read_late(folder, kind, LARGE)


@Look
def small_bodies_read_late(folder: Path, kind: Kind) -> list[bytes]:
    return _read_late(folder, kind, SMALL)


@ours
def test_a_body_that_is_being_sent_stays_what_it_was_though_its_job_is_deleted(kind: Kind) -> None:
    assert set(large_body_read_late.at(kind)) == {b"a" * LARGE}
    assert set(small_bodies_read_late.at(kind)) == {b"a" * SMALL}


def test_the_original_does_not_send_a_large_body_whose_job_is_deleted_meanwhile() -> None:
    assert large_body_read_late.at(ORIGINAL) == [b"the connection was dropped"]


def test_the_original_sends_parts_of_other_jobs() -> None:
    stale = sum(b"b" in body for body in small_bodies_read_late.at(ORIGINAL))
    tell(f"beanstalkd's replies that contained another job's body: {stale}")


@dataclass(frozen=True)
class Half:
    """What is told of a job whose body is still arriving."""

    peek: bytes
    body: bytes
    state: str


@Look
def half_a_job(folder: Path, kind: Kind) -> Half:
    """Where a job with a secret was just deleted."""
    with (
        serving(kind, folder, tcp=False) as server,
        closing(Wire(server.dial())) as other,
        closing(Wire(server.dial())) as uploader,
    ):
        other.ask(b"delete %d\r\n" % put(other, b"secret" * 100))
        uploader.send(b"put 0 0 9 600\r\nhello")
        eventually(lambda: report(other.ask(b"stats\r\n"))["cmd-put"] == "2")
        peek = other.ask(b"peek 2\r\n")
        return Half(peek.word, peek.body, report(other.ask(b"stats-job 2\r\n")).get("state", ""))


@ours
def test_a_job_is_not_there_until_it_is_whole(kind: Kind) -> None:
    assert half_a_job.at(kind) == Half(b"NOT_FOUND", b"", "")


def test_the_original_shows_half_a_job_and_what_was_in_memory_before() -> None:
    seen = half_a_job.at(ORIGINAL)
    assert (seen.peek, seen.state) == (b"FOUND", "invalid")
    assert seen.body.startswith(b"hello")
    tell(f"beanstalkd showed {seen.body.count(b'secret')} times a word of a job deleted before")
