"""`ayl_daemons logs`."""

from __future__ import annotations

import io
import os
import signal
from time import sleep
from typing import TYPE_CHECKING

import pytest

from ayl.cli.daemons.logs import last_lines
from tests.processes.deadline import eventually

if TYPE_CHECKING:
    from pathlib import Path

    from .site import Site


@pytest.fixture
def log(site: Site) -> Path:
    """Of a daemon that does not run."""
    name = site.has("a")
    site.log.mkdir()
    return site.log / f"{name}.log"


def test_the_last_lines_are_shown_as_a_terminal_can_show_them(site: Site, log: Path) -> None:
    log.write_bytes(b"one\ntwo\r\n\x1b[31m\xff\nbegun")
    assert site.says("logs", "-n", "3") == "two\n\\x1b[31m\ufffd\nbegun\n"
    assert site.says("logs", "-n", "1") == "begun\n"
    assert site.says("logs", "-n", "0") == ""


def test_of_several_with_their_names(site: Site, log: Path) -> None:
    other = site.has("b", log=str(site.folder / "b.log"))
    log.write_text("one\n")
    (site.folder / "b.log").write_text("two\n")
    assert site.says("logs") == f"{site.name('a')} | one\n{other} | two\n"


@pytest.mark.parametrize(("kind", "said"), [("fifo", "Not a regular file"), ("directory", "Is a directory")])
def test_what_is_no_log_is_told(site: Site, log: Path, kind: str, said: str) -> None:
    os.mkfifo(log) if kind == "fifo" else log.mkdir()
    assert site.says("logs", code=1) == f"{log}: {said}\n"


def test_nothing_yet_is_told(site: Site, log: Path) -> None:
    assert site.says("logs") == f"{log}: nothing was written yet\n"


def test_what_comes_is_followed_into_another_file_until_ctrl_c(site: Site, log: Path) -> None:
    log.write_text("one\n")
    out = site.folder / "out"
    with out.open("wb") as stream:
        process = site.begin("logs", "-f", stdout=stream, env=site.variables | {"PYTHONUNBUFFERED": "1"})
    eventually(lambda: out.read_text() == "one\n" or process.poll() is not None)
    with log.open("a") as file:
        file.write("two\nthr")
    eventually(lambda: out.read_text() == "one\ntwo\n", out.read_text)
    log.rename(log.with_name("old"))
    log.write_text("four\n")
    sleep(0.7)  # for so long a keeper may not have seen it
    with log.with_name("old").open("a") as file:
        file.write("ee\nla")
    eventually(lambda: out.read_text() == "one\ntwo\nthree\nla\nfour\n", out.read_text)
    process.send_signal(signal.SIGINT)
    assert process.wait() == 130


def test_a_journal_that_is_not_there_does_not_hide_the_rest(site: Site, log: Path) -> None:
    site.has("j", log="journal")
    log.write_text("one\n")
    said = site.says("logs", code=1, env=site.variables | {"PATH": "/nowhere"})
    assert said == f"{site.name('a')} | one\nError: there is no journalctl on this machine\n"


def test_an_endless_line_is_read_in_part() -> None:
    file = io.BytesIO(b"x" * 5_000_000 + b"\nlast\n" + b"y" * 3_000_000)
    assert last_lines(file, 1) == []
    assert file.tell() == 5_000_006 + 3_000_000 - 1_000_000


@pytest.mark.parametrize("number", range(6))
def test_so_many_lines(number: int) -> None:
    text = b"".join(b"%d\n" % line * 20_000 for line in range(10, 15))
    lines = (b"head\n" + text + b"begun").split(b"\n")[:-1]
    file = io.BytesIO(b"head\n" + text + b"begun")
    assert last_lines(file, number) == lines[len(lines) - number :]
    assert file.read() == (b"begun")
