"""Binlogs that somebody or something has damaged: nothing that was acknowledged is lost without a word."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from .aside import aside
from .servers import Place
from .wire import Wire

if TYPE_CHECKING:
    from tests.processes.servers import Server

SMALL_FILES = ("-s", "16384", "-z", "10000")

REFUSAL = re.compile(
    r"ayl_server: the binlog in (?P<path>\S+) cannot be used: (?P<file>\S+), offset (?P<offset>\d+): (?P<reason>.+)"
    r"\. Nothing was changed\. Restore the file from a copy, or start with --salvage .*"
)


def body(number: int) -> bytes:
    return b"%d " % number * 100


class Sound:
    """A binlog of several files, left by a server that was stopped well. Made once, and copied."""

    def __init__(self) -> None:
        self._ids: list[int] = []
        self._files: dict[str, bytes] = {}
        self._lock = Lock()

    def copy_to(self, place: Place) -> list[int]:
        """The ids of its jobs."""
        with self._lock:
            if not self._files:
                self._make(place)
        write(place, self._files)
        return self._ids

    def _make(self, place: Place) -> None:
        with place.serving(*SMALL_FILES) as server, closing(Wire(server.dial())) as wire:
            puts = [b"put 9 0 99 %d\r\n%b\r\n" % (len(body(number)), body(number)) for number in range(200)]
            self._ids = [answer.number for answer in wire.ask_all(puts)]
            server.gets(signal.SIGTERM)
            assert server.wait() == 0
        place.told()
        assert len(segments(place)) >= 4
        self._files = place.files()


SOUND = Sound()


def write(place: Place, files: dict[str, bytes]) -> None:
    """Instead of what is there."""
    for path in place.binlog.iterdir():
        path.unlink()
    for name, data in files.items():
        (place.binlog / name).write_bytes(data)


def segments(place: Place) -> list[Path]:
    """In their order."""
    return sorted(place.binlog.glob("ayl-binlog.*"), key=lambda path: int(path.suffix[1:]))


def flip(path: Path, offset: int) -> None:
    data = bytearray(path.read_bytes())
    data[offset] ^= 0x10
    path.write_bytes(data)


def cut(path: Path, size: int) -> None:
    path.write_bytes(path.read_bytes()[:size])


def zero(path: Path, offset: int) -> None:
    data = path.read_bytes()
    path.write_bytes(data[:offset] + bytes(4096) + data[offset + 4096 :])


def found(server: Server, ids: list[int]) -> list[int]:
    with closing(Wire(server.dial())) as wire:
        answers = wire.ask_all([b"peek %d\r\n" % job for job in ids])
        there = [answer for answer in answers if answer.word == b"FOUND"]
    assert all(answer.body == body(answer.number - 1) for answer in there)
    return [answer.number for answer in there]


Damage = tuple[int, Callable[[Path], None], int]
"""To which file, what is done to it, and about where."""

DAMAGES: dict[str, Damage] = {
    "a flipped bit in the first file": (0, lambda path: flip(path, 5000), 5000),
    "a flipped bit in a file in the middle": (2, lambda path: flip(path, 9000), 9000),
    "a flipped bit in the last file": (-1, lambda path: flip(path, 300), 300),
    "a flipped bit in a header": (1, lambda path: flip(path, 20), 0),
    "a magic number that is none": (1, lambda path: flip(path, 2), 0),
    "a version from the future": (1, lambda path: flip(path, 8), 0),
    "a flipped bit in a size": (1, lambda path: flip(path, 64), 64),
    "a page of zeros": (1, lambda path: zero(path, 4096), 4096),
    "a file cut off in the middle": (1, lambda path: cut(path, 8000), 8000),
    "a file cut off in its header": (1, lambda path: cut(path, 30), 0),
    "an empty file": (1, lambda path: cut(path, 0), 0),
    "the last file cut off in the middle": (-1, lambda path: cut(path, 1000), 1000),
    "a missing file": (1, lambda path: path.unlink(), 0),
}


@aside(DAMAGES)
def test_damage_is_refused_with_file_and_offset_and_salvage_goes_on(folder: Path, case: Damage) -> None:
    which, damage, place_of_damage = case
    place = Place(folder)
    ids = SOUND.copy_to(place)
    victim = segments(place)[which]
    damage(victim)
    damaged = place.files()
    code, said = place.refusal(*SMALL_FILES)
    assert code == 1
    refusal = REFUSAL.fullmatch(said)
    assert refusal, said
    assert refusal["path"] == str(place.binlog)
    assert refusal["file"] == victim.name
    # Of the record that is damaged the beginning is told: no further away than a record is long.
    assert place_of_damage - 600 <= int(refusal["offset"]) <= place_of_damage
    assert place.files() == damaged
    _assert_salvaged(place, ids, damaged)


def _assert_salvaged(place: Place, ids: list[int], damaged: dict[str, bytes]) -> None:
    """All but the jobs of one file at most; the damaged files are kept, and the next start finds nothing wrong."""
    with place.serving(*SMALL_FILES, "--salvage") as server:
        assert {line.event for line in place.troubles()} == {"binlog_damage", "binlog_salvaged"}
        left = found(server, ids)
        assert len(left) >= len(ids) - 50
        with server.client() as client:
            assert client.stats()["current-jobs-ready"] == len(left)
            new = client.put(b"")
            assert new > max(left)
    kept = place.files()
    for name, data in damaged.items():
        if name.startswith("ayl-binlog."):
            assert data in (kept[f"damaged.{name}"], kept.get(name)), name
    with place.serving(*SMALL_FILES) as server:
        assert found(server, ids) == left
    assert place.troubles() == []


def test_once_the_damaged_file_is_restored_from_a_copy_there_is_nothing_to_salvage(place: Place) -> None:
    ids = SOUND.copy_to(place)
    sound = place.files()
    flip(segments(place)[1], 5000)
    assert place.refusal(*SMALL_FILES)[0] == 1
    write(place, sound)
    with place.serving(*SMALL_FILES) as server:
        assert found(server, ids) == ids
    assert place.troubles() == []


def test_salvage_of_a_sound_binlog_changes_nothing(place: Place) -> None:
    ids = SOUND.copy_to(place)
    with place.serving(*SMALL_FILES, "--salvage") as server:
        assert found(server, ids) == ids
    assert place.troubles() == []
    assert not [name for name in place.names() if "damaged" in name]
