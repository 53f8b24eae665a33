"""The directory of the server's binlog, which nobody has made yet."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest

from ayl.daemons.errors import CannotStart
from ayl.daemons.grounds import prepare
from ayl.daemons.order import Order, order
from ayl.daemons.spec.machine import ThisMachine
from ayl.daemons.spec.reading import read

if TYPE_CHECKING:
    from pathlib import Path


def ordered(tmp_path: Path, line: str = "") -> Order:
    """What is to run by a file with a server."""
    path = tmp_path / "daemons.yml"
    path.write_text(
        f"directories: {{run: {tmp_path}/run, log: {tmp_path}, state: {tmp_path}/state}}\nserver: {{{line}}}\n"
    )
    (server,) = read(str(path), ThisMachine(), {}).daemons
    return order(server, "1", None, "")


def test_it_is_made_for_its_user_alone(tmp_path: Path) -> None:
    prepare(ordered(tmp_path), f"{tmp_path}/run/server")
    made = (tmp_path / "state" / "binlog").stat()
    assert stat.S_IMODE(made.st_mode) == 0o700
    assert made.st_uid == (tmp_path / "run" / "server").stat().st_uid


def test_one_that_is_there_stays_as_it_is(tmp_path: Path) -> None:
    there = tmp_path / "state" / "binlog"
    there.mkdir(parents=True)
    there.chmod(0o750)
    prepare(ordered(tmp_path), f"{tmp_path}/run/server")
    assert stat.S_IMODE(there.stat().st_mode) == 0o750


def test_a_server_that_keeps_its_jobs_in_memory_has_none(tmp_path: Path) -> None:
    prepare(ordered(tmp_path, "binlog: none"), f"{tmp_path}/run/server")
    assert not (tmp_path / "state").exists()


def test_one_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file")
    with pytest.raises(CannotStart, match="state/binlog cannot be made"):
        prepare(ordered(tmp_path), f"{tmp_path}/run/server")
