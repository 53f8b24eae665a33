"""D9: the binlog's files: what is damaged is noticed, what is old is kept as long as it must be and no longer."""

from __future__ import annotations

import signal
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.crashes.servers import Place
from tests.crashes.wire import Wire
from tests.processes.deadline import eventually

from .looks import ORIGINAL, Look, ours

if TYPE_CHECKING:
    from tests.processes.servers import Kind, Server

SMALL_FILES = ("-s", "65536")

BODY = b"x" * 1000


@dataclass(frozen=True)
class Damaged:
    """After a start with a file that is not as it was."""

    started: bool
    said: str
    right: int
    """Jobs that are there as they were put."""
    wrong: int
    """Jobs that have another body."""
    kept: bool
    """Whether the file is still there, as it was found."""


def _damaged(folder: Path, kind: Kind, place_of_damage: int, damage: bytes, starts: int = 1) -> Damaged:
    """Twenty jobs of which some are damaged."""
    place = Place(folder)
    with place.serving(*SMALL_FILES, kind=kind) as server, closing(Wire(server.dial())) as wire:
        list(wire.ask_all([b"put 0 0 9 1000\r\n%b\r\n" % BODY] * 20))
        server.gets(signal.SIGTERM)
        server.wait()
    victim = place.binlog / ("binlog.1" if kind is ORIGINAL else "ayl-binlog.1")
    data = bytearray(victim.read_bytes())
    data[place_of_damage : place_of_damage + len(damage)] = damage
    victim.chmod(0o600)
    victim.write_bytes(data)
    place.told()
    bodies = []
    for _ in range(starts):
        server = place.start(*SMALL_FILES, kind=kind)
        if started := server.await_start():
            with closing(Wire(server.dial())) as wire:
                answers = wire.ask_all([b"peek %d\r\n" % job for job in range(1, 21)])
                bodies = [answer.body for answer in answers if answer.word == b"FOUND"]
        server.kill()
    return Damaged(
        started,
        "\n".join(line.message for line in place.told()),
        bodies.count(BODY),
        len(bodies) - bodies.count(BODY),
        victim.exists() and victim.read_bytes() == data,
    )


@Look
def a_flipped_bit(folder: Path, kind: Kind) -> Damaged:
    return _damaged(folder, kind, 5000, b"y")


@Look
def a_page_of_zeros(folder: Path, kind: Kind) -> Damaged:
    return _damaged(folder, kind, 4096, bytes(4096))


@Look
def an_unknown_version(folder: Path, kind: Kind) -> Damaged:
    """As after a downgrade."""
    return _damaged(folder, kind, 0 if kind is ORIGINAL else 8, b"\x63", starts=3)


@ours
def test_damage_is_told_with_file_and_place_and_nothing_is_thrown_away(kind: Kind) -> None:
    for look in (a_flipped_bit, a_page_of_zeros, an_unknown_version):
        seen = look.at(kind)
        assert not seen.started
        assert "ayl-binlog.1, offset " in seen.said
        assert seen.kept


def test_the_original_serves_a_damaged_body() -> None:
    seen = a_flipped_bit.at(ORIGINAL)
    assert (seen.started, seen.right, seen.wrong) == (True, 19, 1)


def test_the_original_loses_what_stands_behind_zeros_and_says_nothing() -> None:
    seen = a_page_of_zeros.at(ORIGINAL)
    assert seen.started
    assert seen.right < 5
    assert "removing existing local socket" in seen.said
    assert "binlog" not in seen.said


def test_the_original_deletes_a_file_of_an_unknown_version() -> None:
    seen = an_unknown_version.at(ORIGINAL)
    assert seen.started
    assert not seen.right
    assert not seen.kept


@Look
def after_release_loops(folder: Path, kind: Kind) -> int:
    """Bytes on the disk once a hundred small jobs were reserved and released a hundred times each."""
    place = Place(folder)
    round_trip = [line % job for job in range(1, 101) for line in (b"reserve-job %d\r\n", b"release %d 0 999\r\n")]
    with place.serving(*SMALL_FILES, "-F", kind=kind) as server, closing(Wire(server.dial())) as wire:
        list(wire.ask_all([b"put 0 0 9 0\r\n\r\n"] * 100))
        for _ in range(100):
            list(wire.ask_all(round_trip))
        return place.size()


@ours
def test_release_loops_do_not_fill_the_disk(kind: Kind) -> None:
    assert after_release_loops.at(kind) <= 5 * 65536


def test_release_loops_fill_the_originals_disk() -> None:
    assert after_release_loops.at(ORIGINAL) > 12 * 65536


def _switches(server: Server) -> int:
    """How often the kernel has let it sleep or run: a process for which this stays as it is has done nothing."""
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return sum(int(line.split()[1]) for line in status.splitlines() if "ctxt_switches" in line)


@Look
def the_last_records_are_synced(folder: Path, kind: Kind) -> bool:
    """Whether anything is done about the second of two puts, a moment after the first, once nobody comes any more."""
    place = Place(folder)
    place.fault("calls", "")
    faulty = kind is not ORIGINAL
    sync = ("-f", "1000")  # milliseconds: both puts come within that time
    with place.serving(*sync, kind=kind, faulty=faulty) as server, closing(Wire(server.dial())) as wire:
        list(wire.ask_all([b"put 0 0 9 0\r\n\r\n"] * 2))
        if faulty:
            return bool(eventually(lambda: place.calls()[-1] == "fdatasync"))
        time.sleep(0.2)
        before = _switches(server)
        time.sleep(1.5)
        return _switches(server) != before


@ours
def test_the_last_records_before_a_pause_are_synced(kind: Kind) -> None:
    assert the_last_records_are_synced.at(kind)


def test_the_original_does_nothing_about_the_last_records_before_a_pause() -> None:
    assert not the_last_records_are_synced.at(ORIGINAL)
