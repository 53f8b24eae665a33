"""Daemons of other users than root, and users other than root."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.processes.deadline import eventually

if TYPE_CHECKING:
    from .site import Site

NOBODY, OTHER = "nobody", "daemon"


def owner(pid: int) -> int:
    return Path(f"/proc/{pid}").stat().st_uid


def test_a_daemon_and_its_keeper_run_as_its_user_in_all_its_groups(open_site: Site) -> None:
    site = open_site
    site.has("a", "sh", "-c", "id -un; id -G; umask; exec sleep 1000", user=NOBODY, umask="027")
    site.says("start")
    assert owner(site.keeper("a")) == owner(site.processes("a")[0]) == 65534
    groups = " ".join(map(str, os.getgrouplist(NOBODY, 65534)))
    eventually(lambda: f"nobody\n{groups}\n0027\n" in site.logs(), site.logs)
    assert "stopped" in site.says("stop")
    assert [path.name for path in site.run.iterdir()] == ["lock"]


def test_it_runs_in_the_foreground_too(open_site: Site) -> None:
    site = open_site
    site.has("a", user=NOBODY)
    process = site.begin("run")
    eventually(lambda: site.processes() and site.status("a")["state"] == "working")
    assert owner(process.pid) == owner(site.processes("a")[0]) == 65534
    site.says("stop")
    said, _ = process.communicate()
    assert process.returncode == 0, said


def test_another_user_needs_another_keeper(open_site: Site) -> None:
    site = open_site
    site.has("a", user=NOBODY, log="/dev/null")
    site.says("start")
    before = site.keeper("a")
    site.has("a", user=OTHER, log="/dev/null")
    assert "running" in site.says("reload")
    assert site.keepers() == [site.keeper("a")] != [before]
    assert owner(site.keeper("a")) == owner(site.processes("a")[0]) == 1
    site.says("stop")


def test_what_another_users_keeper_has_left_is_no_obstacle(open_site: Site) -> None:
    site = open_site
    name = site.has("a", user=NOBODY, log="/dev/null")
    site.says("start")
    os.kill(site.keeper("a"), 9)
    eventually(lambda: not site.keepers())
    site.has("a", user=OTHER, log="/dev/null")
    assert f"{name}: running" in site.says("start")
    site.says("stop")


def test_others_see_how_it_is_and_change_nothing(open_site: Site) -> None:
    site = open_site
    site.has("a", user=NOBODY, umask="077")
    site.says("start")
    other: dict[str, Any] = {"user": OTHER, "group": OTHER, "extra_groups": []}
    assert "working" in site.says("status", **other)
    for word in ("start", "stop", "restart", "reload"):
        assert "lock: Permission denied; root may do that" in site.says(word, code=4, **other)
    assert "it runs as nobody, so only root can do that" in site.says("run", code=4, **other)
    assert "working" in site.says("status")


def test_nobody_keeps_root_waiting_by_a_lock(open_site: Site) -> None:
    site = open_site
    site.has("a", user=NOBODY)
    site.says("start")
    lock = site.run / "lock"
    done = subprocess.run(["cat", lock], user=OTHER, group=OTHER, extra_groups=[], capture_output=True, check=False)
    assert b"Permission denied" in done.stderr  # who cannot open it cannot lock it


def test_an_ordinary_user_has_daemons_of_its_own(open_site: Site) -> None:
    site = open_site
    site.has("a")
    os.chown(site.folder, 65534, 65534)
    nobody: dict[str, Any] = {"user": NOBODY, "group": 65534, "extra_groups": []}
    assert "running (pid" in site.says("start", **nobody)
    assert owner(site.keeper("a")) == 65534
    assert "running (pid" in site.says("restart", **nobody)
    assert "stopped" in site.says("stop", **nobody)
    assert site.keepers() == site.processes() == []


def test_a_user_without_a_name_has_daemons_of_its_own(open_site: Site) -> None:
    site = open_site
    site.has("a")
    os.chown(site.folder, 4242, 4242)
    nameless: dict[str, Any] = {"user": 4242, "group": 4242, "extra_groups": []}
    assert "running (pid" in site.says("start", **nameless)
    assert "stopped" in site.says("stop", **nameless)


def test_a_python_that_the_user_cannot_run_is_told(open_site: Site) -> None:
    site = open_site
    name = site.has("a", user=NOBODY)
    private = site.folder / "private"
    private.mkdir(0o700)
    link = private / "python"
    link.symlink_to(site.command[0])
    (private.parent / "private" / "pyvenv.cfg").touch()
    packages = next(Path(site.command[0]).parent.parent.glob("lib/python3*/site-packages"))
    process = subprocess.run(
        [str(link), "-m", "ayl.cli.daemons", "start"],
        env=site.variables | {"PYTHONPATH": str(packages)},
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
    )
    assert f"{name}: failed: {link} cannot be run as nobody: Permission denied" in process.stdout
    assert process.returncode == 1


def test_a_user_who_makes_its_log_a_link_gets_what_it_may_write_itself(open_site: Site) -> None:
    site = open_site
    own = site.folder / "own"
    own.mkdir()
    os.chown(own, 65534, 65534)
    (own / "log").symlink_to(site.folder / "of_root")
    name = site.has("a", user=NOBODY, log=str(own / "log"))
    assert f"{name}: failed: its log {own}/log cannot be written: Permission denied" in site.says("start", code=1)
    assert not (site.folder / "of_root").exists()
