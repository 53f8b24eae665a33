"""`ayl_daemons start`, `stop`, `restart`, `reload`, where something is wrong."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.processes.deadline import eventually

if TYPE_CHECKING:
    from .site import Site


def test_what_is_started_is_running_and_what_is_stopped_is_gone(site: Site) -> None:
    name = site.has("a")
    assert site.says("start") == f"{name}: running (pid {site.keeper('a')})\n"
    assert "already running" in site.says("start")
    assert len(site.processes()) == 1
    assert site.says("stop").startswith(f"{name}: stopped, in ")
    assert site.says("stop") == f"{name}: not running\n"
    assert site.keepers() == site.processes() == []
    assert [path.name for path in site.run.iterdir()] == ["lock"]


def test_two_that_start_at_once_start_one(site: Site) -> None:
    site.has("a", ready="0.3s")
    both = [site.begin("start") for _ in range(2)]
    said = [process.communicate()[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert sorted("already running" in text for text in said) == [False, True], said
    assert len(site.keepers()) == 1


def test_starts_and_stops_at_once_leave_all_or_nothing(site: Site) -> None:
    site.has("a")
    site.has("b")
    words = ["start", "stop", "restart", "stop", "start", "reload"]
    begun = [site.begin(word) for word in words]
    said = [process.communicate()[0] for process in begun]
    assert [process.returncode for process in begun] == [0] * 6, said
    assert len(site.keepers()) == len(site.processes())
    site.says("stop")
    assert site.keepers() == site.processes() == []


def test_what_does_not_start_is_told_with_its_last_lines_which_a_terminal_does_not_obey(site: Site) -> None:
    name = site.has("a", "sh", "-c", "printf 'one\\n\\033[31mred\\007\\n'; exit 3", ready="20s")
    assert site.says("start", code=1) == (
        f"{name}: failed: its process ended with exit code 3; it will be tried again\n"
        "    one\n"
        "    \\x1b[31mred\\x07\n"
        f"    (more in {site.log}/{name}.log)\n"
    )


def test_results_are_one_document_for_scripts(site: Site) -> None:
    site.has("a")
    site.has("b", "false", ready="20s")
    first, second = json.loads(site.says("start", "--json", code=1))
    assert (first["name"], first["done"]) == (site.name("a"), True)
    assert (second["name"], second["done"]) == (site.name("b"), False)
    assert json.loads(site.says("stop", "--json"))[0]["text"].startswith("stopped")


def test_one_that_has_done_its_part_is_started_again_by_a_start(site: Site) -> None:
    name = site.has("a", "sh", "-c", "echo once >> out", restart="on-failure", ready="20s")
    assert site.says("start") == f"{name}: its process ended with exit code 0\n"
    assert (site.status("a")["state"], site.status("a")["health"]) == ("ended", "well")
    assert "ended" in site.says("status", code=0)
    site.says("start")
    assert (site.folder / "out").read_text() == "once\nonce\n"
    assert site.says("stop").startswith(f"{name}: stopped")


def test_one_that_failed_and_is_not_started_again_is_told(site: Site) -> None:
    name = site.has("a", "sh", "-c", "echo no; exit 4", restart="never", ready="20s")
    text = f"{name}: failed: its process ended with exit code 4\n    no\n"
    assert site.says("start", code=1).startswith(text)
    assert site.status("a")["health"] == "troubled"


def test_a_keeper_that_does_not_answer_is_killed_with_all_that_it_kept(site: Site) -> None:
    site.has("a", "sh", "-c", "sleep 1000 & wait", grace="0s")
    site.says("start")
    eventually(lambda: len(site.processes()) == 2)
    os.kill(site.keeper("a"), signal.SIGSTOP)
    assert "its keeper had to be killed" in site.says("stop")
    assert site.keepers() == site.processes() == []


def test_what_a_killed_keeper_has_left_is_ended_by_a_stop(site: Site) -> None:
    name = site.has("a", "sh", "-c", "sh -c 'sleep 1000; :' & wait")
    site.says("start")
    eventually(lambda: len(site.processes()) == 3)
    os.kill(site.keeper("a"), signal.SIGKILL)
    eventually(lambda: len(site.processes()) == 2)
    assert site.says("stop") == f"{name}: not running\n"
    eventually(lambda: not site.processes())
    assert not (site.run / name).exists()


@pytest.mark.parametrize("word", ["start", "restart", "reload"])
def test_who_changes_one_that_stops_waits_for_its_end_and_starts_it(site: Site, word: str) -> None:
    script = "trap 'sleep 1; exit' TERM; echo here; while :; do sleep 0.1; done"
    site.has("a", "sh", "-c", script)
    site.says("start")
    eventually(lambda: "here\n" in site.logs())
    before = site.keeper("a")
    os.kill(before, signal.SIGTERM)  # as a stop does that was interrupted then
    eventually(lambda: site.status("a")["state"] == "stopping")
    assert "running (pid" in site.says(word)
    assert site.keepers() == [site.keeper("a")] != [before]


def test_a_start_during_a_replacement_waits_for_what_comes_of_that(site: Site) -> None:
    site.has("a", overlap=True, ready="1s", patience="3s")
    site.says("start")
    before = site.status("a")["facts"]["serial"]
    restart = site.begin("restart")
    eventually(lambda: site.status("a")["state"] == "replacing")
    restart.kill()  # so that its turn is over, and its order is not
    restart.communicate()
    assert "running (pid" in site.says("start")
    assert site.status("a")["facts"]["serial"] != before


def test_an_order_that_failed_is_tried_again_by_a_reload(site: Site) -> None:
    site.has("a", "sh", "-c", "sleep 1000; :", overlap=True)
    site.says("start")
    site.has("a", "sh", "-c", "test -e ok && exec sleep 1000", overlap=True, ready="0.3s")
    assert "; the old one stays" in site.says("reload", code=1)
    assert "; the old one stays" in site.says("reload", code=1)
    (site.folder / "ok").touch()
    assert "running" in site.says("reload")
    assert "unchanged" in site.says("reload")


def test_a_restart_that_fails_leaves_the_rest_as_it_is(site: Site) -> None:
    site.has("a", overlap=True)
    name = site.has("b")
    site.says("start")
    before = site.keeper("b"), site.processes("b")
    site.has("a", "false", overlap=True, ready="20s")
    assert f"{name}: failed: left as it is" in site.says("restart", code=1)
    assert (site.keeper("b"), site.processes("b")) == before


def test_a_directory_somebody_has_put_there_is_no_obstacle_for_a_stop(site: Site) -> None:
    name = site.has("a")
    site.says("start")
    (site.run / name / "mine").mkdir()
    assert "stopped" in site.says("stop")
    assert "running" in site.says("start")


def test_a_pid_file_that_is_none_is_told(site: Site) -> None:
    name = site.has("a")
    (site.run / name / "pid").mkdir(parents=True)
    assert f"{name}: failed: " in site.says("start", code=1)
    assert "cannot be removed" in site.says("stop", code=4)


def test_a_log_that_cannot_be_written_is_told(site: Site) -> None:
    name = site.has("a", log=str(site.folder / "log" / "here"))
    (site.folder / "log" / "here").mkdir(parents=True)
    assert site.says("start", code=1) == (
        f"{name}: failed: its log {site.folder}/log/here cannot be written: Is a directory\n"
    )


def test_a_directory_of_daemons_that_is_none_is_told(site: Site) -> None:
    site.has("a")
    site.run.write_text("")
    assert "File exists" in site.says("start", code=1)


def test_closed_descriptors_do_no_harm(site: Site) -> None:
    script = f"""{" ".join(site.command)} start <&- >&- 2>&-"""
    site.has("a", "sh", "-c", "ls -l /proc/self/fd; exec sleep 1000")
    subprocess.run(["sh", "-c", script], env=site.variables, check=True)
    eventually(lambda: "/dev/null" in site.logs())
    assert "pipe:" in site.logs()
    inside = [str(link.readlink()) for link in Path(f"/proc/{site.keeper('a')}/fd").iterdir() if int(link.name) < 3]
    log = str(site.log / f"{site.name('a')}.log")
    assert sorted(inside) == sorted([log, log, "/dev/null"])


def test_a_stray_with_an_order_that_promises_anything_is_stopped(site: Site) -> None:
    site.has("a")
    site.has("b")
    site.says("start")
    order = site.run / site.name("b") / "order.json"
    found = json.loads(order.read_text())
    order.write_text(json.dumps(found | {"grace": 1e300, "owner": ["nobody", "no such group"], "command": ["x"]}))
    del site.daemons["b"]
    site.write()
    assert f"{site.name('b')}: stopped" in site.says("stop")
    assert site.keepers() == []


def test_nothing_holds_on_to_a_log_that_was_rotated_away(site: Site) -> None:
    name = site.has("a", "sh", "-c", "while :; do echo tick; sleep 0.02; done")
    site.says("start")
    log = site.log / f"{name}.log"
    old = log.rename(site.folder / "old")
    eventually(log.exists)
    links = [str(link.readlink()) for link in Path(f"/proc/{site.keeper('a')}/fd").iterdir()]
    assert str(old) not in links
    assert links.count(str(log)) == 3  # what it prints itself goes there, too


def test_a_stop_by_a_wrong_file_tells_where_it_looks_for_what_runs(site: Site) -> None:
    site.has("a")
    site.says("start")
    site.config.write_text("x: [")
    said = site.says("stop")
    assert "is no valid YAML" in said
    assert "stopping what runs in /run/ayl all the same; what runs elsewhere needs the file\n" in said
    site.write()
    assert "working" in site.says("status")
    site.says("stop")
