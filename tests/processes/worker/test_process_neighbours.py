"""Process slots beside those of other kinds in the same worker."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import ayl
from ayl.life import Life
from tests.processes.deadline import for_a_while

from .app import chores
from .children import children, held
from .test_kills import slow_neighbours
from .test_times_to_run import ONCE

if TYPE_CHECKING:
    from .workshop import Workshop


def test_all_kinds_of_slots_work_side_by_side(our_workshop: Workshop) -> None:
    supervisor = our_workshop.workers("--processes", "1", "--threads", "1", "--coroutines", "1")
    for word in ("one", "two", "three"):
        held(our_workshop, word)
    for word in ("one", "two", "three"):
        our_workshop.let_go(word)
    our_workshop.await_empty()
    assert {entry.pid for entry in our_workshop.diary()} == {*children(supervisor), *supervisor.started()}


def test_a_thread_that_ends_the_worker_gives_back_what_its_processes_have(our_workshop: Workshop) -> None:
    workshop = our_workshop
    supervisor = workshop.workers("--processes", "1", "--threads", "1")
    sent = {word: ayl.send(chores.hold, workshop.folder, word) for word in ("one", "two")}
    pids = {workshop.read(f"{word}-begins").pid: word for word in sent}
    (worker,) = supervisor.started()
    workshop.let_go(pids.pop(worker))
    workshop.read("one-ends" if "two" in pids.values() else "two-ends")
    (other,) = pids.values()
    ONCE.send(chores.doze, workshop.folder, "long")
    workshop.await_jobs("buried", 1)
    supervisor.awaits(rf"worker {worker} ended for a call that overran")
    workshop.read(f"{other}-begins", 2)
    job = workshop.job(sent[other].job_id)
    assert (job["reserves"], job["releases"]) == (2, 1)


def test_beside_a_thread_that_ends_the_worker_again_and_again_no_call_of_a_process_is_blamed(
    our_workshop: Workshop,
) -> None:
    workshop = our_workshop
    words = slow_neighbours(workshop, chores.sleep_on, 6)
    supervisor = workshop.workers("--processes", "2", "--threads", "1")
    supervisor.awaits("buried: poison, it has killed its worker 3 times")
    for word in words:
        workshop.read(word)
    assert workshop.words().count("died") in {3, 4}  # the first two, with others beside it, count as one
    assert len(supervisor.logs("buried:")) == 1


def test_no_process_takes_a_job_beside_a_thread_that_is_to_be_alone(our_workshop: Workshop) -> None:
    workshop = our_workshop
    words = ("one", "two")
    for word in words:
        ayl.opts(time_to_run=20).send(chores.hold, workshop.folder, word)
        workshop.suspect(3)
    supervisor = workshop.workers("--processes", "1", "--threads", "1")
    workshop.await_waiting(2)
    (worker,) = supervisor.started()
    for word in words:  # who has waited longest gets the first, so that the other one gets the second
        workshop.client.kick(1)
        if workshop.read(f"{word}-begins").pid == worker:
            break
        workshop.let_go(word)
        workshop.await_waiting(2)
    assert workshop.diary()[-1].pid == worker
    ayl.send(chores.note, workshop.folder, "beside")
    for_a_while(0.5, workshop.words)
    assert "beside" not in workshop.words()
    workshop.let_go(word)
    workshop.read("beside")


def test_a_call_of_a_process_that_workers_have_died_with_is_made_alone_in_all_of_its_worker(
    our_workshop: Workshop,
) -> None:
    workshop = our_workshop
    sent = ayl.opts(time_to_run=20).send(chores.hold, workshop.folder, "suspect")
    workshop.suspect(2)  # until both processes are there to step aside
    supervisor = workshop.workers("--processes", "2")
    workshop.await_waiting(2)
    workshop.client.kick(1)
    workshop.read("suspect-begins")
    supervisor.awaits(r"\(now job \d+\) is made alone")
    ayl.send(chores.note, workshop.folder, "beside")
    for_a_while(0.5, workshop.words)
    assert workshop.words() == ["suspect-begins"]
    os.kill(supervisor.started()[0], signal.SIGKILL)
    workshop.read("suspect-begins", 2)
    assert workshop.life(workshop.job(sent.job_id)["id"]) == Life(0, 2, alone=True)
    workshop.let_go("suspect")
    workshop.await_empty()
    assert workshop.words().count("beside") == 1
