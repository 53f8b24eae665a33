"""`ayl_daemons status`: what it tells, and how it ends (LSB)."""

from __future__ import annotations

import json
import os
import signal
from typing import TYPE_CHECKING

from tests.cli.live.terminal import terminal
from tests.processes.deadline import eventually

if TYPE_CHECKING:
    from .site import Site


def test_all_that_runs_is_0(site: Site) -> None:
    name = site.has("a")
    site.says("start")
    title, line = site.says("status").splitlines()
    assert title.split() == ["DAEMON", "STATE", "PID", "SINCE", "WHAT"]
    assert line.split()[:3] == [name, "working", str(site.processes("a")[0])]


def test_a_killed_keeper_is_1(site: Site) -> None:
    site.has("a")
    site.says("start")
    os.kill(site.keeper("a"), signal.SIGKILL)
    eventually(lambda: not site.keepers())
    assert "dead" in site.says("status", code=1)


def test_a_crash_loop_is_1_and_told(site: Site) -> None:
    site.has("a", "sh", "-c", "exit 7", ready="20s")
    site.says("start", code=1)
    assert "pausing" in (said := site.says("status", code=1))
    assert "ended with exit code 7" in said
    assert "next start in " in said


def test_what_does_not_run_is_3(site: Site) -> None:
    site.has("a")
    site.has("b")
    site.says("start", site.name("b"))
    assert "stopped" in site.says("status", code=3)
    assert "stopped" not in site.says("status", site.name("b"))


def test_a_wrong_file_is_4(site: Site) -> None:
    site.config.write_text("applications: 7\n")
    assert f"{site.config}:1:15: applications: " in site.says("status", code=4)


def test_a_name_that_does_not_exist_is_told_as_it_is(site: Site) -> None:
    site.has("mail")
    assert f"did you mean {site.name('mail')}?" in site.says("status", site.name("mall"), code=2)
    assert "\x1b" not in site.says("status", "\x1b[31m", code=2)


def test_a_stray_is_told(site: Site) -> None:
    name = site.has("a")
    site.has("b")
    site.says("start")
    del site.daemons["a"]
    site.write()
    assert name in site.says("status")


def test_for_programs_it_is_one_document(site: Site) -> None:
    name = site.has("a")
    (found,) = json.loads(site.says("status", "--json", code=3))
    assert found == {"name": name, "state": "stopped", "health": "stopped", "keeper": None, "facts": None}
    site.says("start")
    found = site.status("a")
    assert (found["state"], found["health"], found["keeper"]) == ("working", "well", site.keeper("a"))
    assert found["facts"]["processes"][0]["pid"] == site.processes("a")[0]


def test_a_state_that_makes_no_sense_keeps_nobody_from_seeing_the_others(site: Site) -> None:
    abysmal, wrong = site.has("a"), site.has("b")
    site.has("c")
    site.says("start")
    (site.run / abysmal / "state.json").write_text("[" * 100_000)
    path = site.run / wrong / "state.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"since": 1e300}))
    assert site.says("status").count("working") == 1


def test_what_a_daemon_says_is_not_obeyed_by_a_terminal(site: Site) -> None:
    name = site.has("a")
    site.says("start")
    path = site.run / name / "state.json"
    found = json.loads(path.read_text())
    found["processes"][0]["status"] = "\x1b[2J\ud800\x07"
    path.write_text(json.dumps(found))
    assert "\\x1b[2J\\ud800\\x07" in site.says("status")
    assert "\\ud800" in site.says("status", "--json")


def test_colours_are_for_terminals(site: Site) -> None:
    site.has("a", "false", ready="20s")
    assert "\x1b" not in site.says("start", code=1)
    assert "\x1b" not in site.says("status", code=1)
    with terminal("status", command=tuple(site.command), variables=site.variables) as shown:
        shown.see("pausing")
