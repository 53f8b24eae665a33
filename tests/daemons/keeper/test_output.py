"""What a daemon prints and says of itself, however much and whatever it is; and what is wrong with its log."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from ayl.daemons.child import Child
from tests.processes.deadline import eventually

from .kept import FOREVER

if TYPE_CHECKING:
    import socket

    from .kept import Kept

FLOOD = """
import os, socket
speaker = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
number = 0
while True:
    number += 1
    speaker.sendto(b"STATUS=%d %s" % (number, b"x" * 10000), os.environ["NOTIFY_SOCKET"])
"""

TICKS = ("sh", "-c", "while :; do echo tick; sleep 0.02; done")


def test_one_that_floods_its_keeper_with_notes_does_not_keep_it_from_its_work(kept: Kept) -> None:
    kept.keeps(sys.executable, "-c", FLOOD)
    kept.awaits(lambda state: state.processes and state.processes[0].status)
    kept.order(*FOREVER, serial="2")
    kept.gets(signal.SIGHUP)
    kept.awaits(lambda state: (state.state, state.serial) == ("working", "2"))
    kept.stops()


def test_notes_are_heard_in_portions() -> None:
    class Endless:
        def recv(self, _most: int) -> bytes:
            return b"STATUS=more"

    child = object.__new__(Child)
    child.notes = cast("socket.socket", Endless())
    assert len([*islice(child.heard(), 200)]) == 100


def test_one_that_prints_without_end_does_not_keep_its_keeper_from_its_work(kept: Kept) -> None:
    kept.keeps("yes", "y" * 1000, log="/dev/null")
    counts = Path(f"/proc/{kept.pid}/io")
    eventually(lambda: int(counts.read_text().split()[3]) > 100_000_000)  # bytes written
    resident = Path(f"/proc/{kept.pid}/status").read_text().partition("VmRSS:")[2].split()[0]
    assert int(resident) < 30_000
    kept.stops()


def test_what_the_keeper_says_begins_a_line(kept: Kept) -> None:
    kept.keeps("sh", "-c", "printf one; exec sleep 1000", overlap=True)
    kept.says("one")
    kept.order("sh", "-c", "printf two; exec sleep 1000", serial="2", overlap=True, ready=0.2)
    kept.gets(signal.SIGHUP)
    kept.awaits(lambda state: (state.state, state.serial) == ("working", "2"))
    kept.says("two")
    kept.stops()
    lines = kept.log().splitlines()
    assert all(line in ("one", "two") or line[:2] == "20" for line in lines), lines
    assert "" not in lines


def test_one_endless_line_of_garbage_is_copied_and_told_shortly(kept: Kept) -> None:
    kept.order("sh", "-c", "head -c 3000000 /dev/urandom | tr '\\n' '\\377'; exit 3")
    kept.start()
    state = kept.awaits(lambda state: state.failures)
    assert len(state.tail) == 1
    assert len(state.tail[0]) <= 500
    assert kept.log_path.stat().st_size > 3_000_000
    kept.stops()


def test_many_long_lines_leave_a_state_that_can_be_read(kept: Kept) -> None:
    script = "import os\nfor _ in range(30): os.write(1, b'\\xff' * 60000 + b'\\n')\nraise SystemExit(3)"
    kept.order(sys.executable, "-c", script)
    kept.start()
    assert len(kept.awaits(lambda state: state.failures).tail) == 20
    assert len(kept.home.read(kept.home.state)) < 100_000
    kept.stops()


def test_what_has_no_line_end_is_told_too(kept: Kept) -> None:
    kept.order("sh", "-c", "printf 'one\\ntwo'; exit 1")
    kept.start()
    assert kept.awaits(lambda state: state.failures).tail == ("one", "two")


def test_one_that_closes_its_output_is_kept(kept: Kept) -> None:
    kept.keeps("sh", "-c", "echo closing; exec >&- 2>&-; exec sleep 1000")
    kept.says("closing\n")
    kept.stops()


@pytest.mark.parametrize("way", ["removed", "renamed"])
def test_a_log_that_is_taken_away_is_made_anew(kept: Kept, way: str) -> None:
    kept.keeps(*TICKS)
    kept.says("tick\n")
    old = kept.log_path.with_name("log.1")
    kept.log_path.unlink() if way == "removed" else kept.log_path.rename(old)
    kept.says("tick\n")
    kept.stops()


def test_a_log_whose_place_a_directory_takes_is_written_on_where_it_was(kept: Kept) -> None:
    kept.keeps(*TICKS)
    kept.says("tick\n")
    old = kept.log_path.rename(kept.log_path.with_name("log.1"))
    kept.log_path.mkdir()
    size = old.stat().st_size
    eventually(lambda: old.stat().st_size > size + 300)  # seconds, in which it looked for the other
    kept.log_path.rmdir()
    kept.says("tick\n")
    kept.stops()


def test_a_disk_that_is_full_is_no_reason_to_end(kept: Kept) -> None:
    kept.keeps(*TICKS, log="/dev/full")
    kept.order(*TICKS, serial="2")
    kept.gets(signal.SIGHUP)
    kept.awaits(lambda state: (state.state, state.serial) == ("working", "2"))
    kept.stops()


def test_a_log_that_nobody_reads_is_no_reason_to_wait(kept: Kept) -> None:
    os.mkfifo(kept.log_path)
    reader = os.open(kept.log_path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        kept.keeps("yes", "a line that nobody reads")
        kept.order(*FOREVER, serial="2")
        kept.gets(signal.SIGHUP)
        kept.awaits(lambda state: (state.state, state.serial) == ("working", "2"))
        kept.stops()
    finally:
        os.close(reader)


def test_how_it_is_is_written_when_that_can_be_again(kept: Kept) -> None:
    Path(kept.home.state).mkdir()
    kept.order(*FOREVER)
    kept.start()
    kept.says("started process")
    Path(kept.home.state).rmdir()
    kept.awaits(lambda state: state.state == "working")
    kept.stops()


def test_a_daemon_whose_directory_was_removed_is_kept_and_ends(kept: Kept) -> None:
    kept.keeps(*FOREVER)
    shutil.rmtree(kept.path)
    kept.gets(signal.SIGUSR1)  # which ends what sleeps: now it cannot even be started
    kept.says("could not be started")
    kept.gets(signal.SIGTERM)
    assert kept.ends() == 0
    assert kept.processes() == []


def test_a_socket_whose_place_is_taken_is_told_and_tried_again(kept: Kept) -> None:
    (kept.path / "notify.1").mkdir()
    kept.order(*FOREVER)
    kept.start()
    kept.says("could not be started")
    kept.awaits(lambda state: state.state == "working")  # the second has another
    (kept.path / "notify.1").rmdir()
    kept.stops()


def test_what_a_daemon_says_of_itself_is_told_in_one_line_of_a_reasonable_length(kept: Kept) -> None:
    kept.keeps(
        sys.executable, "-c", FLOOD.replace("while True", "while number < 1") + "\nimport time; time.sleep(1000)"
    )
    state = kept.awaits(lambda state: state.processes and state.processes[0].status)
    assert len(state.processes[0].status) == 500
    kept.stops()


def test_in_the_foreground_its_output_is_ours_with_a_name_before_each_line(kept: Kept) -> None:
    kept.order("sh", "-c", "printf 'one\\n\\ntwo\\nthr'; sleep 0.1; echo ee; exec sleep 1000")
    kept.start("shop | ")
    out = kept.path.parent / "out"
    eventually(lambda: "three" in out.read_text(), kept.told)
    lines = [line for line in out.read_text().splitlines() if "INFO" not in line]
    assert lines == ["shop | one", "shop | ", "shop | two", "shop | three"]
    state = kept.awaits(lambda state: state.state == "working")
    assert (state.foreground, state.log) == (True, "output")
    kept.stops()


def test_a_state_is_a_document_for_programs(kept: Kept) -> None:
    kept.keeps(*FOREVER)
    found = json.loads(kept.home.read(kept.home.state))
    assert found["state"] == "working"
    assert Path(kept.home.state).stat().st_mode & 0o777 == 0o644
    assert Path(kept.home.order).stat().st_mode & 0o777 == 0o600
    kept.stops()
