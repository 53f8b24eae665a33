"""Hooks in a module that the worker is told to load hear of its jobs, and harm none of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import ayl
from tests.processes.deadline import eventually

from .app import chores

if TYPE_CHECKING:
    from .workshop import Supervisor, Workshop


def listening(workshop: Workshop, sleep: str = "0") -> Supervisor:
    path = str(workshop.folder / "heard")
    return workshop.workers("--require", "listeners", LISTENERS=path, LISTENERS_SLEEP=sleep)


def heard(workshop: Workshop, number: int) -> list[dict[str, Any]]:
    """The events, once there are so many."""
    path = workshop.folder / "heard"

    def lines() -> list[str]:
        found = path.read_text().splitlines() if path.exists() else []
        return found if len(found) >= number else []

    return [json.loads(line) for line in eventually(lines, workshop.told)]


def test_hooks_of_a_required_module_hear_each_event_once(workshop: Workshop) -> None:
    listening(workshop)
    twice = ayl.opts(failed_job_count=2, failed_job_delay=0)
    handle = twice.send(chores.fail, workshop.folder, "case", "ValueError")
    workshop.await_state(handle.job_id, "buried")
    events = heard(workshop, 3)
    assert [(event["kind"], event["tries"]) for event in events] == [("failure", 1), ("failure", 2), ("bury", 2)]
    assert handle.job_id
    assert [event["job"] for event in events] == [workshop.heirs(handle.job_id)[number] for number in (1, 2, 2)]
    assert all(event["call"].startswith("chores.fail(") and event["pid"] for event in events)
    assert events[-1]["reason"] == "ValueError: the till is empty"


def test_a_hook_that_fails_is_in_the_log_and_the_worker_goes_on(workshop: Workshop) -> None:
    supervisor = listening(workshop)
    bad = workshop.put(b"no message at all")
    workshop.await_state(bad, "buried")
    supervisor.awaits("the @ayl.on_bury hook listeners.note_burial failed, with: job .* was buried")
    ayl.send(chores.note, workshop.folder, "afterwards")
    workshop.read("afterwards")
    assert len(supervisor.started()) == 1
    assert [(event["kind"], event["call"]) for event in heard(workshop, 1)] == [("bury", "")]


def test_a_hook_that_takes_longer_than_the_time_to_run_loses_no_lease(our_workshop: Workshop) -> None:
    workshop = our_workshop
    listening(workshop, sleep="2.5")
    short = ayl.opts(time_to_run=1, failed_job_handler="bury")
    handle = short.send(chores.fail, workshop.folder, "case", "ValueError")
    events = heard(workshop, 2)
    assert [event["kind"] for event in events] == ["failure", "bury"]
    job = workshop.job(handle.job_id)
    assert (job["state"], job["reserves"], job["timeouts"]) == ("buried", 1, 0)
