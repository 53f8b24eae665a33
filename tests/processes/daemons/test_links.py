"""Releases that are deployed by a link."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.processes.deadline import eventually

if TYPE_CHECKING:
    from .estate import Estate


def deployed(estate: Estate, version: str) -> Path:
    """A release of that version, to which the link leads; it says so when it is loaded."""
    path = estate.folder / version
    shutil.copytree(estate.app, path)
    (path / "VERSION").write_text(f"{version}\n")
    with (path / "plant.py").open("a") as code:
        code.write(f'print("loaded {version}", flush=True)\n')
    link = estate.folder / "current"
    link.unlink(missing_ok=True)
    link.symlink_to(path)
    return path


def loaded(estate: Estate) -> list[str]:
    return re.findall(r"^loaded (\S+)$", estate.logs(), re.MULTILINE)


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_a_worker_of_the_old_release_that_dies_while_it_drains_is_replaced_by_one_of_the_old_release(
    estate: Estate,
) -> None:
    estate.plant["path"] = str(estate.folder / "current")
    estate.write()
    deployed(estate, "1.0")
    estate.says("start")
    estate.send("1.0", range(240), 0.5)
    deployed(estate, "1.1")
    estate.says("reload")
    assert loaded(estate) == ["1.0", "1.0", "1.1", "1.1"]
    (old,) = [
        process for process in estate.status()["plant.beds"]["facts"]["processes"] if process["state"] == "draining"
    ]
    os.kill(children(old["pid"])[0], signal.SIGKILL)
    eventually(lambda: len(loaded(estate)) > 4, estate.logs)
    assert loaded(estate)[4:] == ["1.0"]


def test_where_a_link_leads_is_what_a_reload_looks_at(estate: Estate) -> None:
    estate.plant["path"] = str(estate.folder / "current")
    estate.plant["version"] = "1"
    estate.write()
    deployed(estate, "1.0")
    estate.says("start")
    deployed(estate, "1.1")
    estate.says("reload")
    assert loaded(estate) == ["1.0", "1.0", "1.1", "1.1"]
    assert "unchanged" in estate.says("reload")


def test_workers_that_die_after_the_link_was_moved_are_of_the_old_release_until_the_reload(estate: Estate) -> None:
    estate.plant["path"] = str(estate.folder / "current")
    estate.plant["virtualenv"] = ".venv"
    estate.write()
    (deployed(estate, "1.0") / ".venv").symlink_to(sys.prefix)
    estate.says("start")
    (deployed(estate, "1.1") / ".venv").symlink_to(sys.prefix)
    (running,) = estate.status()["plant.beds"]["facts"]["processes"]
    ordered = json.loads((estate.run / "plant.beds" / "order.json").read_text())
    assert ordered["command"][0] == f"{estate.folder}/1.0/.venv/bin/python"
    assert ordered["environment"]["VIRTUAL_ENV"] == f"{estate.folder}/1.0/.venv"
    assert f"{estate.folder}/current" not in json.dumps(ordered)
    os.kill(running["pid"], signal.SIGKILL)
    eventually(lambda: len(loaded(estate)) == 4, estate.logs)
    assert {*loaded(estate)} == {"1.0"}
    estate.says("reload")
    assert loaded(estate)[4:] == ["1.1", "1.1"]
