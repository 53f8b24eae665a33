"""A keeper becomes the keeper of whoever gives the order, and nothing of its daemon is lost."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING

import pytest

from tests.processes.deadline import eventually

from .kept import FOREVER

if TYPE_CHECKING:
    from .kept import Kept

BECAME = "the keeper is that of ayl"

TICKS = ("sh", "-c", "at=0; while :; do at=$((at + 1)); echo tick $at; sleep 0.01; done")


def replaced(kept: Kept, serial: str, *command: str, **changes: object) -> None:
    """Another order."""
    kept.order(*command, serial=serial, **changes)
    kept.gets(signal.SIGHUP)


def test_it_is_the_same_process_with_the_same_lock_and_the_new_order_runs(kept: Kept) -> None:
    kept.keeps(*FOREVER)
    replaced(kept, "2", *FOREVER)
    state = kept.awaits(lambda state: state.serial == "2" and state.state == "working")
    kept.says(BECAME)
    assert state.keeper == kept.pid
    assert int((kept.path / "pid").read_text()) == kept.pid
    kept.stops()


def test_the_old_process_lives_on_until_the_new_one_works(kept: Kept) -> None:
    kept.keeps(*FOREVER, overlap=True)
    (old,) = kept.awaits(lambda state: state.state == "working").processes
    replaced(kept, "2", *FOREVER, overlap=True, ready=0.5)
    state = kept.awaits(lambda state: state.state == "replacing" and len(state.processes) == 2)
    assert state.processes[1].pid == old.pid
    assert abs(state.processes[1].began - old.began) < 1
    kept.awaits(lambda state: state.serial == "2" and len(state.processes) == 1)
    kept.stops()


def test_not_a_line_that_the_old_one_prints_is_lost(kept: Kept) -> None:
    kept.keeps(*TICKS, overlap=True)
    for serial in "234":
        replaced(kept, serial, "sh", "-c", "exit 3", overlap=True, ready=5.0)  # which fails, so the old one stays
        kept.awaits(lambda state, serial=serial: serial in state.refused)  # type: ignore[misc] # mypy takes it for two
    kept.says(BECAME, times=3)
    kept.stops()
    ticks = [int(line.split()[1]) for line in kept.log().splitlines() if line.startswith("tick")]
    assert ticks == [*range(1, len(ticks) + 1)]


def test_the_death_of_a_process_that_it_has_taken_over_is_noticed(kept: Kept) -> None:
    kept.keeps(*FOREVER, overlap=True)
    replaced(kept, "2", "sh", "-c", "exit 3", overlap=True, ready=5.0)
    state = kept.awaits(lambda state: "2" in state.refused)
    os.kill(state.processes[0].pid, signal.SIGKILL)
    kept.awaits(lambda state: state.last_end == "was killed by SIGKILL" and state.state == "working")
    kept.stops()


def test_what_is_said_meanwhile_is_heard(kept: Kept) -> None:
    kept.keeps(*FOREVER)
    replaced(kept, "2", *FOREVER)
    kept.gets(signal.SIGTERM)  # before, while or after it becomes another
    assert kept.ends() == 0
    assert kept.processes() == []


@pytest.mark.parametrize("python", ["/nonexistent", "/dev/null", "a\0b"])
def test_where_the_other_cannot_be_run_it_stays_and_does_as_it_is_told(kept: Kept, python: str) -> None:
    kept.keeps(*FOREVER)
    replaced(kept, "2", *FOREVER, python=python)
    kept.awaits(lambda state: state.serial == "2" and state.state == "working")
    assert "the keeper stays that of ayl" in kept.log()
    kept.stops()


def test_descriptors_are_not_inherited_by_what_it_starts_afterwards(kept: Kept) -> None:
    kept.keeps(*FOREVER, overlap=True)
    replaced(kept, "2", *FOREVER, overlap=True, python=sys.executable)
    state = kept.awaits(lambda state: state.serial == "2" and len(state.processes) == 1)
    assert sorted(os.listdir(f"/proc/{state.processes[0].pid}/fd")) == ["0", "1", "2"]  # noqa: PTH208 - names are enough
    kept.stops()


def test_nothing_of_it_is_left_for_a_later_keeper(kept: Kept) -> None:
    kept.keeps(*FOREVER)
    replaced(kept, "2", *FOREVER)
    kept.says(BECAME)
    eventually(lambda: not (kept.path / "handover.json").exists())
    (kept.path / "handover.json").write_text('{"pid": 1}')
    replaced(kept, "3", *FOREVER)
    kept.awaits(lambda state: state.serial == "3" and state.state == "working")
    kept.stops()
