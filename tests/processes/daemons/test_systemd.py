"""What the unit of a daemon does: root prepares it, it runs in the foreground, and systemd is told how it is."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from tests.processes.deadline import eventually, for_a_while
from tests.processes.listener import Listener, listening

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

    from .estate import Estate

PERIOD = 0.4
"""Seconds, of the watchdog."""


@pytest.fixture
def listener(estate: Estate) -> Iterator[Listener]:
    with listening(str(estate.folder / "systemd")) as listener:
        yield listener


@pytest.fixture
def unit(estate: Estate, listener: Listener) -> Iterator[subprocess.Popen[str]]:
    """The keeper of the one daemon, as its unit starts it."""
    estate.says("prepare", "plant.beds")
    words = ("run", "--prepared", str(estate.run / "plant.beds"))
    period = str(int(PERIOD * 1e6))
    process = estate.begin(*words, NOTIFY_SOCKET=str(estate.folder / "systemd"), WATCHDOG_USEC=period)
    yield process
    process.kill()
    process.communicate()


def test_it_is_ready_when_its_workers_are_and_says_that_it_stops(
    estate: Estate, listener: Listener, unit: subprocess.Popen[str]
) -> None:
    before = listener.until("READY", "1")
    assert before[0] == {"STATUS": "starting"}
    assert listener.heard["STATUS"] == "working: 2 of 2 processes on plant/1.0"
    estate.send("1.0", range(5))
    eventually(lambda: len(estate.done()) == 5)
    unit.send_signal(signal.SIGTERM)
    listener.until("STOPPING", "1")
    said, _ = unit.communicate(timeout=30)
    assert unit.returncode == 0, said
    assert "takes jobs from plant/1.0" in said  # for the journal
    assert estate.processes() == []
    assert not (estate.run / "plant.beds" / "pid").exists()


def test_it_gives_signs_of_life_as_long_as_it_lives(listener: Listener, unit: subprocess.Popen[str]) -> None:
    listener.until("READY", "1")
    for _ in range(5):
        assert listener.any() == {"WATCHDOG": "1"}
    unit.send_signal(signal.SIGSTOP)
    eventually(listener.silent)
    for_a_while(2 * PERIOD, lambda: listener.silent() or pytest.fail("a process that is stopped gives signs of life"))
    unit.send_signal(signal.SIGCONT)
    assert listener.any() == {"WATCHDOG": "1"}


def test_a_reload_by_root_gives_it_the_next_release(
    estate: Estate, listener: Listener, unit: subprocess.Popen[str]
) -> None:
    listener.until("READY", "1")
    assert estate.status()["plant.beds"]["facts"]["foreground"] is True
    estate.release("1.1")
    assert "2 of 2 processes on plant/1.1" in estate.says("reload", "plant.beds")
    assert unit.poll() is None
    assert estate.status()["plant.beds"]["keeper"] == unit.pid


def test_the_other_commands_know_it_and_can_stop_it(
    estate: Estate, listener: Listener, unit: subprocess.Popen[str]
) -> None:
    listener.until("READY", "1")
    assert "already running" in estate.says("start")
    assert "already running" in estate.says("run", "plant.beds", code=1)
    assert "stopped" in estate.says("stop")
    unit.communicate(timeout=30)
    assert unit.returncode == 0


def test_all_daemons_in_the_foreground_are_one_service(estate: Estate, listener: Listener) -> None:
    estate.plant["daemons"] = {"clock": {"command": "sleep 1000"}}
    estate.write()
    process = estate.begin("run", NOTIFY_SOCKET=str(estate.folder / "systemd"))
    listener.until("READY", "1")
    assert listener.heard["STATUS"] == "2 daemons work"
    estate.release("1.1")
    process.send_signal(signal.SIGHUP)
    eventually(lambda: [p["version"] for p in estate.status()["plant.beds"]["facts"]["processes"]] == ["1.1"])
    process.send_signal(signal.SIGTERM)
    listener.until("STOPPING", "1")
    said, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "plant.beds  | " in said
    assert "plant.clock | " in said
    assert estate.processes() == []
