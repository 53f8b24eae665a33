"""After a power cut one command brings everything back."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

from tests.processes.deadline import eventually

if TYPE_CHECKING:
    from .estate import Estate


def test_after_everything_was_killed_a_start_brings_all_back(estate: Estate) -> None:
    estate.document["applications"]["garden"] = {
        **estate.plant,
        "groups": {"paths": {"workers": 1}},
        "daemons": {"clock": {"command": ["sleep", "1000"]}},
    }
    estate.write()
    estate.says("start")
    estate.kill_everything()
    killed = estate.says("status", code=1)
    assert killed.count("dead") == 3
    started = estate.says("start")
    assert started.count("running (pid") == 3
    estate.send("1.0", range(10))
    eventually(lambda: len(estate.done()) == 10, estate.logs)
    estate.says("status")


def test_a_keeper_that_is_killed_takes_its_workers_with_it_and_the_next_start_mends_all(estate: Estate) -> None:
    estate.says("start")
    estate.says("restart")
    os.kill(estate.status()["plant.beds"]["keeper"], signal.SIGKILL)
    eventually(lambda: not estate.processes())
    assert "dead" in estate.says("status", code=1)
    assert "running (pid" in estate.says("start")
    assert [*estate.run.glob("*/worker.*")] == [estate.run / "plant.beds" / "worker.1"]


def test_nothing_is_left_after_a_stop(estate: Estate) -> None:
    estate.says("start")
    assert "stopped" in estate.says("stop")
    assert estate.processes() == []
    assert [path.name for path in estate.run.iterdir()] == ["lock"]
    assert "not running" in estate.says("stop")
    assert "stopped" in estate.says("status", code=3)


def test_a_start_without_a_server_tells_how_far_it_has_come_and_where_it_says_why(estate: Estate) -> None:
    estate.document["defaults"]["patience"] = "5s"
    estate.plant["engine"] = "beanstalk:///nobody.socket"
    estate.write()
    said = estate.says("start", code=1)
    log = estate.folder / "log" / "plant.beds.log"
    assert "is not ready after 10 s: starting: 0 of 2 processes on plant/1.0\n" in said
    assert f"(see {log})" in said
    assert "no server answers" in log.read_text()
