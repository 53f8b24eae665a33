"""A server and its workers in one container: `ayl_daemons run`."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

from tests.processes.deadline import PATIENCE, eventually

if TYPE_CHECKING:
    from .estate import Estate


def test_a_server_and_workers_run_together_and_the_server_ends_last(estate: Estate) -> None:
    estate.document["server"] = {"listen": [f"unix:{estate.folder}/queue"], "binlog": "none"}
    estate.write()
    process = estate.begin("run")
    eventually(lambda: estate.status().get("plant.beds", {}).get("state") == "working", estate.logs)
    eventually(lambda: estate.status()["server"]["state"] == "working", estate.logs)
    estate.send("1.0", range(20))
    eventually(lambda: len(estate.done()) == 20, estate.logs)
    os.kill(process.pid, signal.SIGTERM)
    said, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, said
    workers, server = (said.index(f" {name}: stopping") for name in ("plant.beds", "server"))
    assert workers < said.index("ended with exit code 0") < server, said
    assert estate.processes() == []


def test_a_worker_that_is_killed_comes_back_and_its_keeper_says_so(estate: Estate) -> None:
    estate.says("start")
    worker = estate.status()["plant.beds"]["facts"]["processes"][0]["pid"]
    os.kill(worker, signal.SIGKILL)
    eventually(lambda: estate.status()["plant.beds"]["facts"]["last_end"] == "was killed by SIGKILL", estate.logs)
    eventually(lambda: estate.status()["plant.beds"]["state"] == "working", estate.logs)
    estate.send("1.0", range(10))
    eventually(lambda: len(estate.done()) == 10, estate.logs)
