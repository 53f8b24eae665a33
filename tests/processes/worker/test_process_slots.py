"""Process slots: each call has a process that may die alone, and its parent has the connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ayl

from .app import chores
from .children import children, held
from .test_current import expected

if TYPE_CHECKING:
    from .workshop import Workshop


def test_calls_run_at_the_same_time_in_processes_of_their_own_and_the_worker_has_the_connections(
    workshop: Workshop,
) -> None:
    supervisor = workshop.workers("--processes", "2")
    workshop.await_waiting(2)
    pids = {held(workshop, "one"), held(workshop, "two")}
    assert pids == {*children(supervisor)}
    assert pids.isdisjoint(supervisor.started())
    assert workshop.client.stats_tube(workshop.tube)["current-watching"] == 2
    workshop.let_go("one")
    workshop.let_go("two")
    workshop.await_empty()


def test_many_short_calls_are_all_made_once(workshop: Workshop) -> None:
    ayl.send_many((chores.note, workshop.folder, f"short-{number}") for number in range(1000))
    workshop.workers("--processes", "2")
    workshop.await_empty()
    assert sorted(workshop.words()) == sorted(f"short-{number}" for number in range(1000))


def test_large_jobs_that_were_asked_for_ahead_wait_for_a_call_that_holds_the_interpreter_lock(
    our_workshop: Workshop,
) -> None:
    workshop = our_workshop
    loads = [(chores.carry, workshop.folder, f"load-{number}", "x" * 50_000) for number in range(120)]
    with ayl.batch():
        ayl.send_many(loads[:40])
        ayl.send(chores.clutch, workshop.folder, "gripping", 2)
        ayl.send_many(loads[40:])
    supervisor = workshop.workers("--processes", "1")
    workshop.await_empty()
    words = [f"load-{number}-50000" for number in range(120)]
    assert sorted(workshop.words()) == sorted([*words, "gripping-begins", "gripping-ends"])
    assert len(children(supervisor)) == 1


def test_a_call_knows_itself(our_workshop: Workshop) -> None:
    worker = our_workshop.workers("--processes", "1")
    sent = ayl.opts(time_to_run=10, failed_job_count=1).send(chores.look_around, our_workshop.folder, "here")
    worker.awaits("ValueError: that is all")
    assert our_workshop.words() == [expected(our_workshop, "here", sent), "thread-outside"]


def test_a_call_that_fails_is_settled_as_anywhere(workshop: Workshop) -> None:
    worker = workshop.workers("--processes", "1")
    sent = ayl.opts(failed_job_delay=0).send(chores.fail_once, workshop.folder, "tried", "ValueError")
    workshop.await_gone(sent.job_id)
    assert workshop.words() == ["tried", "tried"]
    worker.awaits(r"try 1 of 3, now job \d+\) comes back in 0 s: ValueError")
    buried = ayl.send(chores.fail, workshop.folder, "failed", "Bury")
    workshop.await_state(buried.job_id, "buried")
    assert len(children(worker)) == 1
