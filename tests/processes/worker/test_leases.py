"""A call that takes longer than its time to run: another worker may make it meanwhile, and nobody stumbles."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ayl

from .app import chores

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .workshop import Supervisor, Workshop


def overrun(workshop: Workshop, chore: Callable[[Path, str], None]) -> tuple[Supervisor, int]:
    """A call that lost its lease of 1 s, and whose job another worker has done before it ended; that one's pid."""
    supervisor = workshop.workers(processes=2)
    workshop.await_waiting(2)
    sent = ayl.opts(time_to_run=1).send(chore, workshop.folder, "long")
    slow = workshop.read("long-begins").pid
    assert workshop.read("long-again").pid != slow
    workshop.await_gone(sent.job_id)
    workshop.let_go("long")
    workshop.read("long-ends")
    supervisor.awaits("its time to run was over before it ended")
    return supervisor, slow


def test_a_call_that_overran_its_time_to_run_is_not_settled_twice(workshop: Workshop) -> None:
    supervisor, _ = overrun(workshop, chores.hold_first)
    assert workshop.words() == ["long-begins", "long-again", "long-ends"]
    assert workshop.client.stats_tube(workshop.tube)["cmd-delete"] == 1
    assert "Traceback" not in supervisor.log()
    _both_go_on(workshop, supervisor)


def test_a_call_that_overran_its_time_to_run_and_failed_is_not_settled_twice(workshop: Workshop) -> None:
    supervisor, _ = overrun(workshop, chores.fail_late)
    assert supervisor.logs("ValueError: too late")
    counts = workshop.client.stats_tube(workshop.tube)
    assert (counts["cmd-delete"], counts["current-jobs-delayed"], counts["current-jobs-buried"]) == (1, 0, 0)
    _both_go_on(workshop, supervisor)


def _both_go_on(workshop: Workshop, supervisor: Supervisor) -> None:
    sent = [ayl.send(chores.hold, workshop.folder, word) for word in ("one", "two")]
    assert {workshop.read(f"{word}-begins").pid for word in ("one", "two")} == set(supervisor.started())
    for word in ("one", "two"):
        workshop.let_go(word)
    workshop.await_gone(*(handle.job_id for handle in sent))


def test_a_job_that_an_operator_deletes_or_a_timeout_takes_is_no_harm_to_its_worker(workshop: Workshop) -> None:
    supervisor = workshop.workers()
    sent = ayl.opts(time_to_run=1).send(chores.hold, workshop.folder, "long")
    workshop.read("long-begins")
    workshop.await_state(sent.job_id, "ready")
    assert sent.job_id
    workshop.client.delete(sent.job_id)
    workshop.let_go("long")
    supervisor.awaits("its time to run was over before it ended")
    after = ayl.send(chores.note, workshop.folder, "after")
    workshop.await_gone(after.job_id)
    assert {entry.pid for entry in workshop.diary()} == set(supervisor.started())
