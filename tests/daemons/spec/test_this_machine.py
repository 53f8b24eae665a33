"""The machine that the tests run on, asked as `ayl_daemons` asks it."""

from __future__ import annotations

import grp
import os
import pwd
import sys
from typing import TYPE_CHECKING

import pytest

from ayl.daemons.spec.machine import Account, Machine, ThisMachine
from ayl.daemons.spec.problems import BadConfiguration
from ayl.daemons.spec.reading import read

from .machines import Imagined

if TYPE_CHECKING:
    from pathlib import Path

NOBODY = "no-such-user-here"


@pytest.fixture
def machine() -> Machine:
    return ThisMachine()


def test_the_imagined_one_is_a_machine() -> None:
    imagined: Machine = Imagined()
    assert imagined.exists("/srv/shop")


def test_its_users_and_groups_are_known(machine: Machine) -> None:
    me = pwd.getpwuid(os.geteuid())
    assert machine.account("") == machine.account(me.pw_name) == Account(me.pw_name, me.pw_dir, me.pw_shell)
    assert machine.account(NOBODY) is None
    assert machine.has_group(grp.getgrgid(me.pw_gid).gr_name)
    assert not machine.has_group(NOBODY)


def test_its_files_are_known(machine: Machine, tmp_path: Path) -> None:
    file, gone, pipe = tmp_path / "file", tmp_path / "gone", tmp_path / "pipe"
    file.write_text("text")
    file.chmod(0o604)
    os.mkfifo(pipe)
    assert [machine.exists(str(path)) for path in (file, gone, pipe, tmp_path)] == [True, False, True, True]
    assert [machine.is_file(str(path)) for path in (file, gone, pipe, tmp_path)] == [True, False, False, False]
    assert [machine.is_directory(str(path)) for path in (file, gone, tmp_path)] == [False, False, True]
    assert [machine.is_program(path) for path in (str(file), str(tmp_path), sys.executable)] == [False, False, True]
    assert (machine.mode(str(file)), machine.mode(str(gone))) == (0o604, 0)
    assert machine.read(str(file), 3) == b"tex"
    assert sorted(machine.listed(str(tmp_path))) == ["file", "pipe"]
    assert machine.interpreter == sys.executable


def test_paths_that_no_file_can_have_are_just_not_there(machine: Machine) -> None:
    for path in ("\0", "/a\0b", "/" + "x" * 5000, "/\udcff"):
        assert not machine.exists(path)
        assert machine.mode(path) == 0


@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_a_file_that_is_none_is_refused_rather_than_waited_for(kind: str, tmp_path: Path, machine: Machine) -> None:
    path = tmp_path / "daemons.yml"
    if kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to("/dev/zero")
    with pytest.raises(BadConfiguration, match="is no file; expected one"):
        read(str(path), machine, {})


def test_a_link_to_a_file_is_read(tmp_path: Path, machine: Machine) -> None:
    path, link = tmp_path / "a.yml", tmp_path / "b.yml"
    path.write_text("server: {binlog: none}\n")
    link.symlink_to(path)
    (server,) = read(str(link), machine, {}).daemons
    assert server.name == "server"
