"""A call that takes longer than its time to run: another worker may make it meanwhile, and nobody stumbles.

With our server alone: Debian's beanstalkd forgets, about once in four times, that a lease has ended.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import ayl

from .app import chores

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .workshop import Supervisor, Workshop


def overrun(our_workshop: Workshop, chore: Callable[[Path, str], None]) -> tuple[Supervisor, int]:
    """A call that lost its lease of 1 s, and whose job another worker has done before it ended; that one's pid."""
    supervisor = our_workshop.workers(processes=2)
    our_workshop.await_waiting(2)
    sent = ayl.opts(time_to_run=1).send(chore, our_workshop.folder, "long")
    slow = our_workshop.read("long-begins").pid
    assert our_workshop.read("long-again").pid != slow
    our_workshop.await_gone(sent.job_id)
    our_workshop.let_go("long")
    our_workshop.read("long-ends")
    supervisor.awaits("its time to run was over before it ended")
    return supervisor, slow


def test_a_call_that_overran_its_time_to_run_is_not_settled_twice(our_workshop: Workshop) -> None:
    supervisor, _ = overrun(our_workshop, chores.hold_first)
    assert our_workshop.words() == ["long-begins", "long-again", "long-ends"]
    assert our_workshop.client.stats_tube(our_workshop.tube)["cmd-delete"] == 1
    assert "Traceback" not in supervisor.log()
    _both_go_on(our_workshop, supervisor)


def test_a_call_that_overran_its_time_to_run_and_failed_is_not_settled_twice(our_workshop: Workshop) -> None:
    supervisor, _ = overrun(our_workshop, chores.fail_late)
    assert supervisor.logs("ValueError: too late")
    counts = our_workshop.client.stats_tube(our_workshop.tube)
    assert (counts["cmd-delete"], counts["current-jobs-delayed"], counts["current-jobs-buried"]) == (1, 0, 0)
    _both_go_on(our_workshop, supervisor)


def _both_go_on(our_workshop: Workshop, supervisor: Supervisor) -> None:
    sent = [ayl.send(chores.hold, our_workshop.folder, word) for word in ("one", "two")]
    assert {our_workshop.read(f"{word}-begins").pid for word in ("one", "two")} == set(supervisor.started())
    for word in ("one", "two"):
        our_workshop.let_go(word)
    our_workshop.await_gone(*(handle.job_id for handle in sent))


def test_a_job_that_an_operator_deletes_or_a_timeout_takes_is_no_harm_to_its_worker(our_workshop: Workshop) -> None:
    supervisor = our_workshop.workers()
    sent = ayl.opts(time_to_run=1).send(chores.hold, our_workshop.folder, "long")
    our_workshop.read("long-begins")
    our_workshop.await_state(sent.job_id, "ready")
    assert sent.job_id
    our_workshop.client.delete(sent.job_id)
    our_workshop.let_go("long")
    supervisor.awaits("its time to run was over before it ended")
    after = ayl.send(chores.note, our_workshop.folder, "after")
    our_workshop.await_gone(after.job_id)
    assert {entry.pid for entry in our_workshop.diary()} == set(supervisor.started())
