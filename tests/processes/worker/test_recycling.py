"""A process that has made its calls, had its time or grown too large is replaced, and the tube is served meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import ayl
from tests.processes.deadline import eventually

from .app import chores

if TYPE_CHECKING:
    from .workshop import Workshop

PLACES = r"takes the place of worker \d+$"

ENOUGH = {
    "jobs": (("--max-jobs", "1"), "has done enough .1 calls.:"),
    "time": (("--max-time", "0.001"), "has done enough .0 s.:"),
    "memory": (("--max-memory", "1m"), r"has done enough .\d+ MB of memory.:"),
}


@pytest.mark.parametrize("limit", ENOUGH)
def test_a_process_that_has_done_enough_is_replaced_after_its_call(workshop: Workshop, limit: str) -> None:
    words, reason = ENOUGH[limit]
    supervisor = workshop.workers(*words)
    workshop.await_waiting(1)
    assert supervisor.logs(reason) == []
    sent = ayl.send(chores.note, workshop.folder, "first")
    fewest = 1

    def look() -> bool:
        nonlocal fewest
        fewest = min(fewest, workshop.client.stats_tube(workshop.tube)["current-watching"])
        return bool(supervisor.logs(PLACES)) and bool(supervisor.logs("ended$"))

    eventually(look, supervisor.log)
    assert fewest == 1
    assert supervisor.logs(reason)
    assert workshop.gone(sent.job_id)
    workshop.await_waiting(1)
    ayl.send(chores.note, workshop.folder, "second")
    assert workshop.read("second").pid == supervisor.started()[1] != workshop.read("first").pid


def test_coroutine_slots_wear_a_process_as_well(our_workshop: Workshop) -> None:
    supervisor = our_workshop.workers("--max-jobs", "3", "--coroutines", "2")
    for number in range(3):
        ayl.send(chores.rest, our_workshop.folder, f"call-{number}")
    supervisor.awaits(PLACES)


def test_nothing_is_lost_while_processes_are_replaced_again_and_again(our_workshop: Workshop) -> None:
    supervisor = our_workshop.workers("--max-jobs", "50", "--grace", "0", workers=2)
    words = [f"call-{number}" for number in range(1000)]
    for word in words:
        ayl.send(chores.note, our_workshop.folder, word)
    supervisor.awaits(PLACES, 2)
    our_workshop.await_empty()
    assert sorted(set(our_workshop.words())) == sorted(words)
