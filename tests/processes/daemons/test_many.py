"""Fifty worker groups of two processes on one machine."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tests.processes.deadline import eventually

if TYPE_CHECKING:
    from .estate import Estate

GROUPS = 50


def test_fifty_groups_are_started_seen_and_stopped(estate: Estate) -> None:
    estate.plant["groups"] = {f"bed{number:02}": {"workers": 2, "patience": "10m"} for number in range(GROUPS)}
    estate.write()
    said = estate.says("start")
    assert said.count("2 of 2 processes on plant/1.0") == GROUPS
    began = time.process_time(), time.monotonic()
    status = estate.status()
    assert {daemon["health"] for daemon in status.values()} == {"well"}
    assert len(status) == GROUPS
    # Not how long it takes, which says how busy the machine is (benchmarks do): only that nobody is waited for.
    assert time.monotonic() - began[1] < 20
    table = estate.says("status").splitlines()
    assert len(table) == GROUPS + 1
    assert estate.says("stop").count("stopped") == GROUPS
    eventually(lambda: not estate.processes())
