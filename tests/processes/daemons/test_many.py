"""Several worker groups on one machine. (How long operators wait for fifty is what benchmarks/daemons.py tells.)"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.processes.deadline import eventually

if TYPE_CHECKING:
    from .estate import Estate

GROUPS = 10
"""More than are started at once on a small machine."""


def test_many_groups_are_started_seen_and_stopped(estate: Estate) -> None:
    estate.plant["groups"] = {f"bed{number:02}": {"workers": 2, "patience": "10m"} for number in range(GROUPS)}
    estate.write()
    said = estate.says("start")
    assert said.count("2 of 2 processes on plant/1.0") == GROUPS
    status = estate.status()
    assert {daemon["health"] for daemon in status.values()} == {"well"}
    assert len(status) == GROUPS
    table = estate.says("status").splitlines()
    assert len(table) == GROUPS + 1
    assert estate.says("stop").count("stopped") == GROUPS
    eventually(lambda: not estate.processes())
