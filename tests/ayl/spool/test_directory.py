"""Where the spool may be, who may see it, and what is said when it cannot be used."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ayl import settings
from ayl.engines.spool.store import Spool
from ayl.errors import NotConfigured, SpoolFull, SpoolUnusable
from ayl.settings import Settings
from tests.crashes.disks import can_mount

from .samples import record

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[3]
SOMEBODY = 12345
"""A user who owns nothing."""


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


# Who may see it


def test_nobody_else_can_read_what_waits_whatever_the_umask_says(directory: Path, spool: Spool) -> None:
    before = os.umask(0)
    try:
        spool.append([record(1)])
    finally:
        os.umask(before)
    assert mode(directory) == mode(directory.parent) == 0o700
    assert {mode(path) for path in directory.iterdir()} == {0o600}


@pytest.mark.parametrize("others", [stat.S_IWGRP, stat.S_IWOTH])
def test_a_directory_that_others_can_write_is_refused_with_the_cure(directory: Path, spool: Spool, others: int) -> None:
    directory.mkdir(parents=True)
    directory.chmod(0o700 | others)
    with pytest.raises(SpoolUnusable, match=rf"can be written by other users; take that away: chmod go-w {directory}$"):
        spool.append([record(1)])
    assert [*directory.iterdir()] == []
    directory.chmod(0o755)
    spool.append([record(1)])


def test_a_directory_of_another_user_is_refused(directory: Path) -> None:
    if os.getuid() == 0:
        directory.mkdir(parents=True)
        os.chown(directory, SOMEBODY, -1)
    else:
        directory = Path("/usr")
    owner = directory.stat().st_uid
    with pytest.raises(SpoolUnusable, match=rf"{directory} belongs to user {owner}, and this process runs as"):
        Spool(str(directory), 10**6).append([record(1)])


def test_a_link_in_its_place_is_not_followed(directory: Path, spool: Spool, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    directory.parent.mkdir()
    directory.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SpoolUnusable, match=r"is a symbolic link; set `spool` to the directory itself$"):
        spool.append([record(1)])
    assert [*(tmp_path / "elsewhere").iterdir()] == []


@pytest.mark.parametrize("name", ["lock", "segment"])
def test_a_link_in_the_place_of_a_file_is_not_followed(
    directory: Path, spool: Spool, tmp_path: Path, name: str
) -> None:
    (place,) = spool.append([record(1)])
    path = directory / (str(place).partition(":")[0] if name == "segment" else name)
    victim = tmp_path / "victim"
    victim.write_bytes(path.read_bytes())
    before = victim.read_bytes()
    path.unlink()
    path.symlink_to(victim)
    with pytest.raises(SpoolUnusable, match="Too many levels of symbolic links"):
        Spool(str(directory), 10**6).append([record(2)])
    assert victim.read_bytes() == before


def test_a_pipe_in_the_place_of_a_file_keeps_nobody_waiting(directory: Path, spool: Spool) -> None:
    directory.mkdir(parents=True)
    os.mkfifo(directory / "lock")
    with pytest.raises(SpoolUnusable, match="lock is not a file of this user's own"):
        spool.append([record(1)])


# What cannot be used


def test_a_file_in_the_place_of_the_directory_is_told(directory: Path, spool: Spool) -> None:
    directory.parent.mkdir()
    directory.write_text("")
    with pytest.raises(SpoolUnusable, match=rf"the spool {directory} cannot be used: Not a directory; set `spool` to"):
        spool.append([record(1)])


def test_a_directory_that_was_removed_is_made_anew(directory: Path, spool: Spool) -> None:
    spool.append([record(1)])
    for path in directory.iterdir():
        path.unlink()
    directory.rmdir()
    assert spool.look() == []
    assert not spool.waits("beanstalk://a")
    spool.append([record(2)])
    assert [call.id for file in spool.look() for call in file.waiting] == ["id2"]


@pytest.mark.parametrize("name", ["missing", "locked"])
def test_a_user_who_may_not_write_there_is_told(name: str, directory: Path) -> None:
    outer = directory.parent
    outer.mkdir()
    closed = outer
    if name == "locked":
        directory.mkdir()
        closed = directory
    if os.getuid() == 0:
        os.chown(closed, SOMEBODY, -1)
    closed.chmod(0o500)
    try:
        said = append_as_an_ordinary_user(directory)
    finally:
        closed.chmod(0o700)
    assert said.startswith(f"SpoolUnusable: the spool {directory} cannot be used: Permission denied; let this user")


def append_as_an_ordinary_user(directory: Path) -> str:
    """Nothing keeps root out; so then another process becomes somebody else."""
    become = ""
    if os.getuid() == 0:
        become = f"os.setgroups([]), os.setuid({SOMEBODY})"
        for parent in directory.parents:  # pytest's own are for their owner only
            if parent.name.startswith(("pytest-", "test_")):
                parent.chmod(0o711)
    code = (
        "import os, sys\n"
        f"sys.path.insert(0, {str(ROOT)!r})\n"
        "from ayl.engines.spool.store import Spool\n"
        "from tests.ayl.spool.samples import record\n"
        f"{become}\n"
        "try:\n"
        f"    Spool({str(directory)!r}, 10**6).append([record(1)])\n"
        "except Exception as error:\n"
        "    print(f'{type(error).__name__}: {error}')\n"
    )
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


# Small disks are mounted where this process may do so, as in the tests of the server's binlog; the random programs
# (test_programs) run out of disk everywhere.

DISKS = ["tmpfs"] if can_mount() else []


@contextmanager
def mounted(directory: Path, options: str) -> Iterator[None]:
    directory.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", directory], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", directory], check=True)


@pytest.mark.parametrize("_disk", DISKS)
def test_a_read_only_disk_is_told(_disk: str, directory: Path, spool: Spool) -> None:
    with mounted(directory, "ro,mode=700"):
        with pytest.raises(SpoolUnusable, match=r"Read-only file system; set `spool` to a directory that can be writ"):
            spool.append([record(1)])
        assert spool.look() == []


@pytest.mark.parametrize("_disk", DISKS)
def test_a_full_disk_is_told_loses_nothing_and_can_be_drained(_disk: str, directory: Path, spool: Spool) -> None:
    kept = []
    with mounted(directory, "size=64k,mode=700"):
        message = rf"{directory} cannot be used: No space left on device; make room on that disk"
        with pytest.raises(SpoolUnusable, match=message):  # noqa: PT012 - which of them, the disk decides
            for number in range(1000):
                spool.append([record(number, 1000)])
                kept.append(f"id{number}")
        assert len(kept) > 20
        assert [call.id for file in spool.look() for call in file.waiting] == kept
        # What was delivered can be told on a full disk too: the room for that was taken when the call was.
        with spool.alone("beanstalk://a", 1) as got:
            assert got
            spool.settle(spool.oldest("beanstalk://a", "spool", (10, 10**6), set(), set()))
        assert [call.id for file in Spool(str(directory), 1).look() for call in file.waiting] == kept[10:]


# How much it may take


def test_a_full_spool_says_sizes_and_what_to_do_and_keeps_the_order(directory: Path) -> None:
    spool = Spool(str(directory), 1000)
    places = spool.append([record(number, size) for number, size in enumerate([100, 100, 5000, 1])])
    assert [type(place) for place in places] == [str, str, SpoolFull, SpoolFull]
    said = str(places[2])
    taken = sum(path.stat().st_size for path in directory.iterdir())
    assert said.startswith(f"the spool {directory} is full: {taken} of 1,000 bytes are taken, and the message needs 5,")
    assert "ayl_beanstalk spool drain" in said
    assert "spool_limit" in said
    (small,) = spool.append([record(9, 1)])
    assert isinstance(small, str)


def test_the_limit_holds_for_all_engines_together_and_makes_no_empty_files(directory: Path) -> None:
    spool = Spool(str(directory), 400)
    spool.append([record(1, 150)])
    before = {*directory.iterdir()}
    (place,) = spool.append([record(2, 150, "beanstalk://b")])
    assert isinstance(place, SpoolFull)
    assert {*directory.iterdir()} == before


# Where it is


def test_the_default_is_the_users_own_state_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/somewhere/state")
    assert Settings().spool_directory() == "/somewhere/state/ayl/spool"
    monkeypatch.setenv("XDG_STATE_HOME", "relative, so it is to be ignored")
    monkeypatch.setenv("HOME", "/home/anna")
    assert Settings().spool_directory() == "/home/anna/.local/state/ayl/spool"
    monkeypatch.delenv("XDG_STATE_HOME")
    assert Settings(spool="/var/spool/shop").spool_directory() == "/var/spool/shop"


def test_a_users_home_may_be_named_and_a_relative_path_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/anna")
    assert settings.configure(spool="~/spool").spool == "/home/anna/spool"
    with pytest.raises(NotConfigured, match="spool is an absolute path, not 'spool': senders and workers must mean"):
        settings.configure(spool="spool")
    monkeypatch.setenv("AYL_SPOOL", "also/relative")
    settings.reset()
    with pytest.raises(NotConfigured, match=r"from the environment"):
        settings.current()
