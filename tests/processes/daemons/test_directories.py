"""What is not there yet when a daemon is started for the first time."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from ayl.daemons import launching
from ayl.daemons.order import Order

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from .estate import Estate


def test_the_servers_first_start_makes_its_binlog_for_its_user_alone(estate: Estate, free_port: int) -> None:
    estate.document["server"] = {"port": free_port}
    estate.write()
    assert "server: running" in estate.says("start", "server")
    binlog = estate.folder / "state" / "binlog"
    assert stat.S_IMODE(binlog.stat().st_mode) == 0o700
    assert stat.S_IMODE(binlog.parent.stat().st_mode) == 0o755
    estate.says("stop", "server")
    assert [*binlog.glob("ayl-binlog.*")]


def test_a_binlog_that_is_there_keeps_its_mode(estate: Estate, free_port: int) -> None:
    estate.document["server"] = {"port": free_port}
    estate.write()
    binlog = estate.folder / "state" / "binlog"
    binlog.mkdir(parents=True, mode=0o750)
    estate.says("start", "server")
    assert stat.S_IMODE(binlog.stat().st_mode) == 0o750


def prepared(folder: Path, owner: tuple[str, str]) -> Path:
    """What an order's directory of state is after it was made ready."""
    state = folder / "state" / "binlog"
    order = Order("1", "server", "server", ("true",), "/", owner=owner, state=str(state), log=f"{folder}/log/it.log")
    launching.prepare(order, str(folder / "run" / "server"))
    return state


def test_what_root_makes_is_given_to_the_daemons_user(tmp_path: Path) -> None:
    found = prepared(tmp_path, ("nobody", "")).stat()
    assert (found.st_uid, stat.S_IMODE(found.st_mode)) == (65534, 0o700)


def test_who_is_not_root_gets_the_directory_of_logs_made_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1)
    prepared(tmp_path, ("", ""))
    assert (tmp_path / "log").is_dir()
    assert not (tmp_path / "log" / "it.log").exists(), "it is the keeper that makes it"
