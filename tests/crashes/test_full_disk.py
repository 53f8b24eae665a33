"""A full disk harms nobody's job: new ones are refused, and all that is done with old ones goes on without end."""

from __future__ import annotations

from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from .aside import aside
from .disks import KINDS, small_disk
from .wire import Wire

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .disks import SmallDisk

SMALL_FILES = ("-s", "65536", "-f", "0")

PUT = b"put 9 0 1000 1000\r\n%b\r\n" % (b"x" * 1000)

REFUSED = b"OUT_OF_MEMORY"

EACH_DISK = {name: name for name in KINDS}

EACH_SYNC = {
    f"{name} {' '.join(sync)}": (name, sync) for name in KINDS for sync in (("-f", "0"), ("-f", "50"), ("-F",))
}


@contextmanager
def served(disk: SmallDisk, *options: str) -> Iterator[Wire]:
    """A client of a server that shall survive."""
    with disk.serving(*(options or SMALL_FILES)) as server, closing(Wire(server.dial())) as wire:
        yield wire
        assert server.process.poll() is None, server.log()


@contextmanager
def client_of(kind: str, folder: Path) -> Iterator[Wire]:
    with small_disk(kind, folder) as disk, served(disk) as wire:
        yield wire


def fill(wire: Wire) -> list[int]:
    """Put until there is no room; the ids."""
    ids = []
    for _ in range(100):
        answers = list(wire.ask_all([PUT] * 100))
        ids += [answer.number for answer in answers if answer.word == b"INSERTED"]
        if answers[-1].word == REFUSED:
            return ids
    raise AssertionError("a disk of a megabyte took ten")


def all_say(wire: Wire, word: bytes, lines: list[bytes]) -> None:
    said = {answer.word for answer in wire.ask_all(lines)}
    assert said == {word}


def count(wire: Wire) -> int:
    """How many jobs there are."""
    return sum(1 for answer in wire.ask_all([b"peek %d\r\n" % number for number in range(1, 3000)]) if answer.body)


@aside(EACH_DISK)
def test_new_jobs_are_refused_and_the_log_says_where_and_why_but_not_each_time(folder: Path, kind: str) -> None:
    with small_disk(kind, folder) as disk, served(disk) as wire:
        ids = fill(wire)
        assert len(ids) > 400  # most of the megabyte was used
        all_say(wire, REFUSED, [PUT] * 1000)
        for job in ids[:3]:
            wire.ask(b"delete %d\r\n" % job)
            fill(wire)
        said = disk.place.troubles()
        assert 1 <= len(said) <= 5
        for line in said:
            assert str(disk.place.binlog) in line.message
            assert "No space left on device" in line.message


ROUNDS = {
    "releases": {b"reserve-job %d\r\n": b"RESERVED", b"release %d 5 0\r\n": b"RELEASED"},
    "releases with a delay": {b"reserve-job %d\r\n": b"RESERVED", b"release %d 5 100000\r\n": b"RELEASED"},
    "burials": {b"reserve-job %d\r\n": b"RESERVED", b"bury %d 5\r\n": b"BURIED", b"kick-job %d\r\n": b"KICKED"},
}
"""What workers do with a job again and again, and what they are answered."""


@aside(EACH_SYNC)
def test_thousands_of_rounds_with_old_jobs_need_no_more_room(folder: Path, case: tuple[str, tuple[str, ...]]) -> None:
    kind, sync = case
    with small_disk(kind, folder) as disk:
        with served(disk, "-s", "65536", *sync) as wire:
            ids = fill(wire)
            for words in ROUNDS.values():
                rounds = [line % job for job in [*ids[:100], *ids[-100:]] * 5 for line in words]
                answers = [wire.ask(line).word for line in rounds[:100]]  # one by one, and then as fast as can be
                answers += [answer.word for answer in wire.ask_all(rounds[100:])]
                assert answers == [*words.values()] * 1000
            assert count(wire) == len(ids)
        with served(disk, "-s", "65536", *sync) as wire:
            assert count(wire) == len(ids)


@aside(EACH_DISK)
def test_every_job_can_be_deleted_and_then_there_is_room_again(folder: Path, kind: str) -> None:
    with client_of(kind, folder) as wire:
        for _ in range(3):
            ids = fill(wire)
            assert len(ids) > 400
            all_say(wire, b"DELETED", [b"delete %d\r\n" % job for job in ids])
        assert len(fill(wire)) > 400


@aside(EACH_DISK)
def test_jobs_that_come_and_go_find_room_for_ever(folder: Path, kind: str) -> None:
    with client_of(kind, folder) as wire:
        ids = fill(wire)
        for _ in range(100):
            all_say(wire, b"DELETED", [b"delete %d\r\n" % job for job in ids[:20]])
            ids[:20] = []
            ids += [answer.number for answer in wire.ask_all([PUT] * 20) if answer.word == b"INSERTED"]
            assert len(ids) > 300


@aside(EACH_DISK)
def test_once_the_disk_has_room_puts_work_again(folder: Path, kind: str) -> None:
    with small_disk(kind, folder) as disk, served(disk) as wire:
        ids = fill(wire)
        disk.resize(2 * 1024 * 1024)
        assert len(fill(wire)) > len(ids) / 2


@aside(EACH_DISK)
def test_what_the_full_disk_holds_is_there_after_a_crash_and_can_be_worked_on(folder: Path, kind: str) -> None:
    with small_disk(kind, folder) as disk:
        with served(disk) as wire:
            ids = fill(wire)
            all_say(wire, b"DELETED", [b"delete %d\r\n" % job for job in ids[::2]])
            all_say(wire, b"RESERVED", [b"reserve-job %d\r\n" % job for job in ids[1::4]])
            all_say(wire, b"BURIED", [b"bury %d 7\r\n" % job for job in ids[1::4]])
        for _ in range(2):  # a restart must need no room either
            with served(disk) as wire:
                assert count(wire) == len(ids) // 2
                all_say(wire, b"KICKED", [b"kick-job %d\r\n" % job for job in ids[1::4]])
                all_say(wire, b"RESERVED", [b"reserve-job %d\r\n" % job for job in ids[1::4]])
                all_say(wire, b"BURIED", [b"bury %d 7\r\n" % job for job in ids[1::4]])


@aside(EACH_DISK)
def test_a_disk_that_others_have_filled_is_no_harm_to_the_jobs(folder: Path, kind: str) -> None:
    with small_disk(kind, folder) as disk:
        with served(disk) as wire:
            ids = [answer.number for answer in wire.ask_all([PUT] * 100)]
            used = sum(len(data) for data in disk.place.files().values())
            disk.resize(used + 4096)  # not even a file fits
            fill(wire)
            for _ in range(20):
                all_say(wire, b"RESERVED", [b"reserve-job %d\r\n" % job for job in ids])
                all_say(wire, b"RELEASED", [b"release %d 5 100000\r\n" % job for job in ids])
        with served(disk) as wire:
            all_say(wire, b"DELETED", [b"delete %d\r\n" % job for job in ids])


@aside(EACH_DISK)
def test_a_start_on_a_disk_without_any_room_is_refused_in_one_line(folder: Path, kind: str) -> None:
    with small_disk(kind, folder) as disk:
        disk.resize(8192)
        code, said = disk.place.refusal(*SMALL_FILES, faulty=disk.faulty)
        assert code == 1
        assert str(disk.place.binlog) in said
        assert "No space left on device" in said
        assert "Traceback" not in said
