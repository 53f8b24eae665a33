"""A worker that dies in the middle of a call loses nothing: the job returns and another worker takes its place."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import ayl

from .app import chores

if TYPE_CHECKING:
    from .workshop import Workshop


def test_the_call_of_a_killed_worker_is_made_again_by_its_successor(workshop: Workshop) -> None:
    supervisor = workshop.workers()
    running = ayl.opts(priority=77).send(chores.hold, workshop.folder, "running")
    first = workshop.read("running-begins").pid
    job = workshop.job(running.job_id)
    assert (job["state"], job["reserves"]) == ("reserved", 1)
    assert [first] == supervisor.started()

    os.kill(first, signal.SIGKILL)
    second = workshop.read("running-begins", times=2).pid
    assert [first, second] == supervisor.started()
    job = workshop.job(running.job_id)
    assert (job["state"], job["reserves"], job["timeouts"], job["releases"], job["pri"]) == ("reserved", 2, 0, 0, 77)

    workshop.let_go("running")
    workshop.await_gone(running.job_id)
    assert workshop.words() == ["running-begins", "running-begins", "running-ends"]
    assert len(supervisor.logs("was killed by SIGKILL")) == 1


def test_nothing_is_lost_while_workers_are_killed_again_and_again(workshop: Workshop) -> None:
    supervisor = workshop.workers(processes=2)
    sent = []
    for round_number in range(3):
        held = ayl.opts(priority=0).send(chores.hold_first, workshop.folder, f"held-{round_number}")
        sent += [held, *(ayl.send(chores.note, workshop.folder, f"call-{round_number}-{n}") for n in range(10))]
        os.kill(workshop.read(f"held-{round_number}-begins").pid, signal.SIGKILL)
    workshop.await_gone(*(handle.job_id for handle in sent))
    assert set(workshop.words()) >= {f"call-{r}-{n}" for r in range(3) for n in range(10)}
    assert set(workshop.words()) >= {f"held-{r}-again" for r in range(3)}
    supervisor.awaits("was killed by SIGKILL", 3)


def test_a_call_that_ends_the_process_is_made_again_by_another_worker(workshop: Workshop) -> None:
    supervisor = workshop.workers()
    sent = ayl.send(chores.leave, workshop.folder, "left", 3)
    workshop.read("left", times=2)
    workshop.await_gone(sent.job_id)
    assert [entry.pid for entry in workshop.diary()] == supervisor.started()[:2]
    assert len(supervisor.logs("ended with exit code 3")) == 1
    assert supervisor.process.poll() is None
