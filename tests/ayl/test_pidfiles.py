"""A pid file is believed by its lock."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from ayl.pidfiles import PidFile, PidFileHeld, discard, holder

if TYPE_CHECKING:
    from pathlib import Path

HOLD = """
import sys, time
from ayl.pidfiles import PidFile
file = PidFile(sys.argv[1])
file.take()
print("held", flush=True)
sys.stdin.read()
file.leave()
"""

OFD = """
import fcntl, os, struct, sys
file = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
fcntl.fcntl(file, fcntl.F_OFD_SETLK, struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 0, 0, 0))
print("held", flush=True)
sys.stdin.read()
"""

READ = """
import fcntl, sys
file = open(sys.argv[1])
fcntl.lockf(file, fcntl.LOCK_SH)
print("held", flush=True)
sys.stdin.read()
"""

EXEC = """
import os, sys
from ayl.pidfiles import PidFile
file = PidFile(sys.argv[1])
file.take()
os.set_inheritable(file.fileno(), True)
after = (
    "import sys; from ayl.pidfiles import PidFile; file = PidFile(sys.argv[1], int(sys.argv[2])); "
    "print('held', flush=True); sys.stdin.read(); file.leave()"
)
os.execv(sys.executable, [sys.executable, "-c", after, sys.argv[1], str(file.fileno())])
"""


def started(program: str, path: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def end(process: subprocess.Popen[str]) -> None:
    process.communicate(timeout=10)


@pytest.mark.parametrize("program", [HOLD, EXEC], ids=["taken", "kept when it became another program"])
def test_its_holder_is_known_and_no_other_can_take_it(program: str, tmp_path: Path) -> None:
    path = tmp_path / "pid"
    process = started(program, path)
    assert holder(str(path)) == process.pid
    assert path.read_text() == f"{process.pid}\n"
    with pytest.raises(PidFileHeld, match=f"{path} is held by another process, {process.pid}") as caught:
        PidFile(str(path)).take()
    assert caught.value.pid == process.pid
    end(process)
    assert not path.exists()
    assert holder(str(path)) is None


def test_what_a_killed_process_leaves_behind_says_nothing(tmp_path: Path) -> None:
    path = tmp_path / "pid"
    process = started(HOLD, path)
    process.send_signal(signal.SIGKILL)
    end(process)
    assert path.exists()
    assert holder(str(path)) is None
    with PidFile(str(path)):
        assert path.read_text() == f"{os.getpid()}\n"


def test_a_number_of_somebody_else_is_not_believed(tmp_path: Path) -> None:
    path = tmp_path / "pid"
    path.write_text("1\n")
    assert holder(str(path)) is None


def test_a_lock_that_belongs_to_no_process_names_none(tmp_path: Path) -> None:
    path = tmp_path / "pid"
    process = started(OFD, path)
    assert holder(str(path)) is None
    with pytest.raises(PidFileHeld, match=r"is held by another process$"):
        PidFile(str(path)).take()
    end(process)


def test_who_waits_with_an_open_file_that_is_removed_meanwhile_takes_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "pid"
    process = started(HOLD, path)
    lock = fcntl.lockf

    def lock_late(*arguments: int) -> None:
        if process.poll() is None:
            end(process)  # which removes the file that we have opened
        lock(*arguments)

    monkeypatch.setattr(fcntl, "lockf", lock_late)
    with PidFile(str(path)):
        assert path.read_text() == f"{os.getpid()}\n"
    assert not path.exists()


def test_another_file_in_its_place_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "pid"
    with PidFile(str(path)) as first:
        assert first.is_there()
        path.unlink()
        with PidFile(str(path)) as second:
            assert not first.is_there()
            first.leave()
            assert second.is_there()
    assert not path.exists()


@pytest.mark.parametrize("alone", [False, True])
def test_one_that_is_held_is_never_removed(tmp_path: Path, *, alone: bool) -> None:
    path = tmp_path / "pid"
    process = started(HOLD, path)
    with pytest.raises(PidFileHeld, match=f" {process.pid}$"):
        discard(str(path), alone=alone)
    assert holder(str(path)) == process.pid
    process.kill()
    process.communicate()
    discard(str(path), alone=alone)
    assert not path.exists()
    discard(str(path), alone=alone)


@pytest.mark.parametrize("alone", [False, True])
def test_one_that_is_taken_at_the_last_moment_is_not_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, alone: bool
) -> None:
    path = tmp_path / "pid"
    path.touch()
    begun: list[subprocess.Popen[str]] = []
    lock = fcntl.lockf

    def lock_late(*arguments: int) -> None:
        begun.append(started(HOLD, path))
        lock(*arguments)

    monkeypatch.setattr(fcntl, "lockf", lock_late)
    with pytest.raises(PidFileHeld):
        discard(str(path), alone=alone)
    assert holder(str(path)) == begun[0].pid
    end(begun[0])


def test_who_only_reads_one_keeps_nobody_who_is_alone_from_removing_it(tmp_path: Path) -> None:
    path = tmp_path / "pid"
    path.touch()
    process = started(READ, path)
    with pytest.raises(PidFileHeld):
        discard(str(path))
    discard(str(path), alone=True)
    assert not path.exists()
    end(process)


def test_a_link_is_not_followed_and_a_pipe_not_waited_for(tmp_path: Path) -> None:
    target, link, pipe = tmp_path / "target", tmp_path / "link", tmp_path / "pipe"
    target.write_text("precious")
    link.symlink_to(target)
    os.mkfifo(pipe)
    for path in (link, pipe):
        with pytest.raises(OSError, match=r"link|no file that could hold"):
            PidFile(str(path)).take()
    assert target.read_text() == "precious"
    with pytest.raises(OSError, match="link"):
        holder(str(link))
    assert holder(str(pipe)) is None


def test_it_is_not_handed_on_to_processes_that_are_started(tmp_path: Path) -> None:
    with PidFile(str(tmp_path / "pid")) as file:
        assert not os.get_inheritable(file.fileno())
