"""`ayl_daemons run`: for containers and systemd."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.processes.deadline import PATIENCE, eventually
from tests.processes.listener import listening

if TYPE_CHECKING:
    from .site import Site


class Running:
    """`run`, and what it prints."""

    def __init__(self, site: Site, *words: str, **variables: str) -> None:
        self.site = site
        self.out = site.folder / "out"
        with self.out.open("ab") as out:
            self.process = site.begin("run", *words, stdout=out, env=site.variables | variables)

    def says(self, text: str) -> None:
        eventually(lambda: text in self.said() or self.process.poll() is not None, self.said)
        assert text in self.said()

    def said(self) -> str:
        return self.out.read_text(errors="replace")

    def ends(self) -> int:
        return self.process.wait(PATIENCE)


def test_one_runs_until_it_is_asked_to_end(site: Site) -> None:
    name = site.has("a", "sh", "-c", "echo hello; exec sleep 1000")
    running = Running(site)
    running.says("hello\n")
    eventually(lambda: site.status("a")["state"] == "working")
    found = site.status("a")
    assert (found["keeper"], found["facts"]["foreground"]) == (running.process.pid, True)
    assert f"{name}: already running (pid {running.process.pid})" in site.says("run", code=1)
    assert "already running" in site.says("start")
    running.process.send_signal(signal.SIGTERM)
    assert running.ends() == 0
    assert site.processes() == []
    assert "stopped" in site.says("status", code=3)


def test_several_run_together_each_line_with_a_name(site: Site) -> None:
    first = site.has("a", "sh", "-c", "echo one; exec sleep 1000")
    second = site.has("b", "sh", "-c", "echo two; exec sleep 1000")
    running = Running(site)
    running.says(f"{first} | one\n")
    running.says(f"{second} | two\n")
    running.process.send_signal(signal.SIGINT)
    assert running.ends() == 0
    assert site.processes() == site.keepers() == []


def test_asked_to_end_at_once_it_ends(site: Site) -> None:
    for name in "abcd":
        site.has(name)
    running = Running(site)
    eventually(lambda: site.keepers() or site.run.exists() or running.process.poll() is not None)
    running.process.send_signal(signal.SIGTERM)
    assert running.ends() in (0, 70, -signal.SIGTERM)
    assert site.processes() == site.keepers() == []


def test_one_keeper_that_is_killed_ends_all(site: Site) -> None:
    site.has("a")
    site.has("b")
    running = Running(site)
    eventually(lambda: len(site.processes()) == 2, running.said)
    os.kill(site.keeper("a"), signal.SIGKILL)
    assert running.ends() == 70
    eventually(lambda: not [*site.processes(), *site.keepers()])


def test_a_reload_reaches_one_in_the_foreground(site: Site) -> None:
    site.has("a")
    running = Running(site)
    eventually(lambda: site.processes() and site.status("a")["state"] == "working")
    site.has("a", "sleep", "2000")
    assert "running (pid" in site.says("reload")
    assert site.status("a")["keeper"] == running.process.pid
    site.says("stop")
    assert running.ends() == 0


def test_several_that_are_to_reload_start_nothing_that_would_not_be_theirs(site: Site) -> None:
    site.has("a")
    site.has("b")
    running = Running(site)
    eventually(lambda: len(site.processes()) == 2, running.said)
    site.has("b", "sleep", "2000")
    new = site.has("c")
    running.process.send_signal(signal.SIGHUP)
    running.says(f"{new}: failed: not running; it needs another `ayl_daemons run`\n")
    assert len(site.keepers()) == 2
    assert "2000" in (site.run / site.name("b") / "order.json").read_text()
    running.process.send_signal(signal.SIGTERM)
    assert running.ends() == 0


def test_systemd_is_told_when_all_of_several_work_or_have_done_their_part(site: Site) -> None:
    site.has("a")
    site.has("b", "true", restart="never", ready="20s")
    path = f"{site.folder}/notify"
    with listening(path) as systemd:
        running = Running(site, NOTIFY_SOCKET=path, WATCHDOG_USEC="200000")
        assert systemd.plea() == "60000000"
        assert systemd.next()["READY"] == "1"
        assert [systemd.any() for _ in range(3)] == [{"WATCHDOG": "1"}] * 3
        running.process.send_signal(signal.SIGTERM)
        assert systemd.next() == {"STOPPING": "1"}
        assert running.ends() == 0


@pytest.mark.parametrize("code", [0, 7])
def test_what_has_ended_and_is_not_started_again_ends_the_command(site: Site, code: int) -> None:
    site.has("a", "sh", "-c", f"exit {code}", restart="never")
    assert Running(site).ends() == code


def test_systemd_is_told_of_one(site: Site) -> None:
    site.has("a")
    path = f"{site.folder}/notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(path)
        systemd.settimeout(PATIENCE)
        running = Running(site, NOTIFY_SOCKET=path, WATCHDOG_USEC="200000")
        told = b""
        while b"READY=1" not in told or b"WATCHDOG=1" not in told:
            told += systemd.recv(4096) + b"\n"
        running.process.send_signal(signal.SIGTERM)
        while b"STOPPING=1" not in told:
            told += systemd.recv(4096) + b"\n"
        assert running.ends() == 0


@pytest.mark.parametrize("command", [["sleep", "1000"], ["false"]])
def test_systemd_is_asked_for_more_time_until_it_works(command: list[str], site: Site) -> None:
    site.has("a", *command, ready="1000s")
    path = f"{site.folder}/notify"
    with listening(path) as systemd:
        running = Running(site, NOTIFY_SOCKET=path)
        assert systemd.plea() == "60000000"
        running.process.send_signal(signal.SIGTERM)
        assert running.ends() == 0


def test_an_output_that_nobody_reads_does_not_keep_it_from_ending(site: Site) -> None:
    site.has("a", "yes")
    process = site.begin("run", stdout=subprocess.PIPE)
    eventually(site.processes)
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(PATIENCE)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == 0
    assert site.processes() == []


def test_closed_descriptors_do_no_harm(site: Site) -> None:
    site.has("a")
    process = subprocess.Popen(
        ["sh", "-c", f"exec {' '.join(site.command)} run <&- >&- 2>&-"], env=site.variables, stdin=subprocess.DEVNULL
    )
    eventually(lambda: site.processes() and site.status("a")["state"] == "working")
    process.terminate()
    assert process.wait(PATIENCE) == 0


def test_what_is_prepared_is_run_without_the_file(site: Site) -> None:
    name = site.has("a", "sh", "-c", "echo hello; exec sleep 1000")
    site.says("prepare", name)
    site.config.unlink()
    running = Running(site, "--prepared", str(site.run / name))
    running.says("hello\n")
    running.process.terminate()
    assert running.ends() == 0


def test_what_is_not_prepared_is_told(site: Site) -> None:
    assert "its order cannot be read: No such file" in site.says("run", "--prepared", str(site.folder), code=1)
    (site.folder / "order.json").write_text("[" * 100_000)
    assert "its order makes no sense" in site.says("run", "--prepared", str(site.folder), code=1)
