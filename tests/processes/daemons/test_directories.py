"""What is not there yet when a daemon is started for the first time."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
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
