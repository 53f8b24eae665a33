"""A disk that fails: the server stops rather than promise what it cannot keep, and what it had promised is there."""

from __future__ import annotations

import resource
from contextlib import closing, suppress
from typing import TYPE_CHECKING

import pytest

from tests.processes.servers import AYL_SERVER, ON_ASYNCIO

from .aside import aside
from .servers import Place
from .wire import Gone, Wire

if TYPE_CHECKING:
    from pathlib import Path

    from tests.processes.servers import Kind, Server

SMALL_FILES = ("-s", "65536")

KINDS = {kind.name: kind for kind in (AYL_SERVER, ON_ASYNCIO)}

CALLS = (("pwrite", "-f0"), ("fdatasync", "-f0"), ("fdatasync", "-f10"), ("pwrite", "-F"), ("rename", "-f0"))

EACH_CALL = {f"{name} {call} {sync}": (kind, call, sync) for name, kind in KINDS.items() for call, sync in CALLS}


def put(wire: Wire, acknowledged: list[int]) -> None:
    """Put until the server is gone."""
    with suppress(Gone):
        while len(acknowledged) < 5000:
            acknowledged.append(wire.ask(b"put 9 0 99 1000\r\n%b\r\n" % (b"x" * 1000)).number)


def await_clean_end(place: Place, server: Server, reason: str) -> None:
    """It stops by itself, and its last words say where and why."""
    assert server.wait() == 1, server.log()
    (line,) = place.troubles()
    assert (line.level, line.event) == ("ERROR", "disk_failed")
    assert str(place.binlog) in line.message
    assert reason in line.message


def assert_kept(place: Place, acknowledged: list[int]) -> None:
    """A server on a sound disk has all that was acknowledged; of what was not, at most the last job."""
    with place.serving(*SMALL_FILES) as server, closing(Wire(server.dial())) as wire:
        lines = [b"peek %d\r\n" % job for job in range(1, acknowledged[-1] + 100)]
        found = [answer.number for answer in wire.ask_all(lines) if answer.word == b"FOUND"]
        assert found[: len(acknowledged)] == acknowledged
        assert len(found) <= len(acknowledged) + 1
        assert wire.ask(b"put 9 0 99 0\r\n\r\n").number > max(found)


@aside(EACH_CALL)
def test_an_error_of_the_disk_stops_the_server_before_it_answers(folder: Path, case: tuple[Kind, str, str]) -> None:
    kind, call, options = case
    place = Place(folder)
    acknowledged: list[int] = []
    with place.serving(*SMALL_FILES, options, kind=kind, faulty=True) as server:
        with closing(Wire(server.dial())) as early, closing(Wire(server.dial())) as wire:
            acknowledged += [wire.ask(b"put 9 0 99 0\r\n\r\n").number for _ in range(20)]
            wire.send(b"reserve-job 1\r\nrelease 1 9 0\r\n")
            wire.answer(), wire.answer()
            place.fault(call, "EIO")
            put(wire, acknowledged)
            with pytest.raises(Gone):  # nor does anybody else get an answer from now on
                early.ask(b"stats\r\n")
        await_clean_end(place, server, "Input/output error")
    place.heal(call)
    assert_kept(place, acknowledged)


@aside(KINDS)
def test_a_write_that_the_kernel_refuses_stops_it_too(folder: Path, kind: Kind) -> None:
    place = Place(folder)
    acknowledged: list[int] = []
    with place.serving(*SMALL_FILES, "-f0", kind=kind) as server, closing(Wire(server.dial())) as wire:
        acknowledged += [wire.ask(b"put 9 0 99 1000\r\n%b\r\n" % (b"x" * 1000)).number for _ in range(20)]
        # No file may be written beyond here from now on: an error of the kernel's own that needs no rights.
        _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (32768, hard))
        put(wire, acknowledged)
        await_clean_end(place, server, "File too large")
    assert len(acknowledged) > 25
    assert_kept(place, acknowledged)


def test_a_binlog_that_cannot_be_read_is_refused_and_left_alone(place: Place) -> None:
    with place.serving() as server, server.client() as client:
        client.put(b"")
    before = place.files()
    place.fault("pread", "EIO")
    code, said = place.refusal(faulty=True)
    assert code == 1
    assert "Input/output error" in said
    assert str(place.binlog) in said
    assert place.files() == before
