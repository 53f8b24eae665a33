"""Where output goes that cannot go there."""

from __future__ import annotations

import os
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from ayl.daemons import sinks
from ayl.daemons.sinks import FileSink, JournalSink, Losses, StreamSink

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Room:
    """So many bytes; then the disk is full."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.text = b""

    def write(self, data: bytes) -> int:
        if not self.room:
            raise OSError(28, "No space left on device")
        taken = data[: min(3, self.room)]
        self.room -= len(taken)
        self.text += taken
        return len(taken)


def test_what_is_lost_is_added_up_until_it_can_be_told() -> None:
    losses, disk = Losses(), Room(4)
    for text in (b"one two", b"three", b"four"):
        losses.write(text, disk.write)
    disk.room = 1000
    losses.write(b"five", disk.write)
    losses.write(b"six", disk.write)
    note = b"\n[ayl_daemons: 12 bytes of output could not be written here: No space left on device]\n"
    assert disk.text == b"one " + note + b"fivesix"


def test_losses_that_cannot_even_be_told_are_not_forgotten() -> None:
    losses, disk = Losses(), Room(0)
    losses.write(b"one", disk.write)
    disk.room = 5
    losses.write(b"two", disk.write)
    disk.room = 1000
    losses.write(b"three", disk.write)
    assert b": 6 bytes of output" in disk.text


def test_a_file_that_is_full_is_written_on_when_there_is_room(tmp_path: Path) -> None:
    sink = FileSink("/dev/full", 0.0)
    sink.write(b"lost", 0.5)
    sink._path = str(tmp_path / "log")  # as if it had been mounted elsewhere
    sink.write(b"kept\n", 2.0)
    sink.close()
    assert (tmp_path / "log").read_text().endswith("could not be written here: No space left on device]\nkept\n")


def test_a_file_knows_whether_it_is_at_the_start_of_a_line(tmp_path: Path) -> None:
    path = tmp_path / "log"
    sink = FileSink(str(path), 0.0)
    seen = []
    for text in (b"", b"one", b" two\n", b"three"):
        sink.write(text, 0.0)
        seen.append(sink.is_at_start)
    sink.close()
    sink = FileSink(str(path), 0.0)
    seen.append(sink.is_at_start)
    path.unlink()
    sink.write(b"", 2.0)
    seen.append(sink.is_at_start)
    sink.close()
    assert seen == [True, False, True, False, False, True]


@contextmanager
def pipe() -> Iterator[tuple[int, int]]:
    reader, writer = os.pipe()
    try:
        yield reader, writer
    finally:
        os.close(reader)
        os.close(writer)


def test_an_output_that_nobody_reads_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sinks, "PATIENCE", 0.05)
    with pipe() as (reader, writer):
        sink = StreamSink(writer, "")
        for _ in range(4):
            sink.write(b"x" * 65_536, 0.0)
        while os.read(reader, 65_536) == b"x" * 65_536:
            break
        sink.write(b"read again\n", 0.0)
        text = os.read(reader, 65_536)
    assert b"196608 bytes of output could not be written here: nobody reads it" in text
    assert text.endswith(b"read again\n")


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_each_line_has_its_prefix_in_whatever_portions_it_comes(size: int) -> None:
    text = b"one\n\n\x85two\r\n\x0bthree\nfour"
    with pipe() as (reader, writer):
        sink = StreamSink(writer, "shop | ")
        for at in range(0, len(text), size):
            sink.write(text[at : at + size], 0.0)
        assert os.read(reader, 1000) == b"shop | one\nshop | \nshop | \x85two\r\nshop | \x0bthree\nshop | four"


def test_the_journal_is_found_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = str(tmp_path / "j")
    monkeypatch.setattr(sinks, "JOURNAL", path)
    with pytest.raises(OSError, match="No such file"):
        JournalSink("shop.mail", 0.0)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        sink = JournalSink("shop.mail", 0.0)
        first, _ = listener.accept()
        with first:
            assert first.recv(1000).startswith(b"shop.mail\n\n6\n")
            sink.write(b"one\n", 0.1)
            assert first.recv(1000) == b"one\n"
        sink.write(b"two\n", 0.2)
        sink.write(b"three\n", 2.0)
        second, _ = listener.accept()
        with second:
            text = b""
            while not text.endswith(b"three\n"):
                text += second.recv(1000)
        assert b"[ayl_daemons: 4 bytes of output" in text
        sink.close()
