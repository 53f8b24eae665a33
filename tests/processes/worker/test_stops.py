"""A stop is designed: a call that runs ends, nothing else begins, nothing is lost, nobody stays behind."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

import ayl
from tests.processes.deadline import eventually

from .app import chores

if TYPE_CHECKING:
    from .workshop import Workshop

CUT = 75
"""The exit code when calls were cut off."""

SLOTS = pytest.mark.parametrize(
    "words", [("--processes", "4"), ("--threads", "4"), ("--coroutines", "4")], ids=" ".join
)

STOPS = pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)


@STOPS
def test_a_stop_lets_the_call_that_runs_end_and_takes_nothing_else(workshop: Workshop, number: signal.Signals) -> None:
    supervisor = workshop.workers()
    running = ayl.send(chores.hold, workshop.folder, "running")
    workshop.read("running-begins")
    waiting = [ayl.send(chores.note, workshop.folder, "waiting") for _ in range(3)]
    supervisor.gets(number)
    supervisor.awaits("stopping")
    assert workshop.job(running.job_id)["state"] == "reserved"
    workshop.let_go("running")
    assert supervisor.wait() == 0
    assert workshop.gone(running.job_id)
    assert workshop.words() == ["running-begins", "running-ends"]
    for handle in waiting:
        job = workshop.job(handle.job_id)
        assert (job["state"], job["reserves"], job["releases"]) == ("ready", 0, 0)
    assert supervisor.left_behind() == []


@STOPS
def test_a_stop_ends_workers_that_wait_at_once(workshop: Workshop, number: signal.Signals) -> None:
    supervisor = workshop.workers(workers=2)
    workshop.await_waiting(2)
    supervisor.gets(number)
    assert supervisor.wait() == 0
    assert supervisor.left_behind() == []
    assert len(supervisor.logs(r"worker \d+ ended$")) == 2


def test_a_worker_whose_calls_have_sent_calls_ends_without_a_word_of_trouble(workshop: Workshop) -> None:
    supervisor = workshop.workers()
    ayl.send(chores.pass_on, workshop.folder, "passed")
    workshop.read("passed")
    supervisor.gets(signal.SIGTERM)
    assert supervisor.wait() == 0
    assert "Traceback" not in supervisor.log()


@STOPS
def test_a_second_stop_cuts_off_and_gives_back_at_once(workshop: Workshop, number: signal.Signals) -> None:
    supervisor = workshop.workers()
    running = ayl.send(chores.hold, workshop.folder, "running")
    workshop.read("running-begins")
    supervisor.gets(number)
    supervisor.awaits("stopping")
    assert supervisor.process.poll() is None
    supervisor.gets(number)
    assert supervisor.wait() == CUT
    assert supervisor.left_behind() == []
    job = workshop.await_state(running.job_id, "ready")
    assert (job["reserves"], job["timeouts"], job["releases"]) == (1, 0, 1)
    assert workshop.words() == ["running-begins"]


def test_what_still_runs_at_the_end_of_the_grace_is_given_back_and_counts_as_nothing(workshop: Workshop) -> None:
    supervisor = workshop.workers("--grace", "0.2", workers=2)
    workshop.await_waiting(2)
    running = ayl.opts(priority=77).send(chores.hold, workshop.folder, "running")
    quick = ayl.send(chores.hold, workshop.folder, "quick")
    workshop.read("running-begins")
    workshop.read("quick-begins")
    supervisor.gets(signal.SIGTERM)
    supervisor.awaits("stopping: .* within 0.2 s")
    workshop.let_go("quick")
    assert supervisor.wait() == CUT
    assert workshop.gone(quick.job_id)
    job = workshop.await_state(running.job_id, "ready")
    assert (job["reserves"], job["timeouts"], job["releases"], job["pri"]) == (1, 0, 1, 77)
    assert supervisor.left_behind() == []
    workshop.let_go("running")
    workshop.workers()
    workshop.await_gone(running.job_id)


def test_a_call_that_does_not_let_go_of_the_interpreter_is_killed_after_the_grace(our_workshop: Workshop) -> None:
    workshop = our_workshop
    supervisor = workshop.workers("--grace", "0")
    running = ayl.send(chores.seize, workshop.folder, "running")
    workshop.read("running")
    supervisor.gets(signal.SIGTERM)
    assert supervisor.wait() == CUT
    supervisor.awaits("was killed by SIGKILL")
    workshop.await_state(running.job_id, "ready")


def test_a_call_in_c_that_lets_go_of_the_interpreter_is_cut_off_and_given_back(our_workshop: Workshop) -> None:
    workshop = our_workshop
    supervisor = workshop.workers("--grace", "0")
    running = ayl.send(chores.linger, workshop.folder, "running")
    workshop.read("running")
    supervisor.gets(signal.SIGTERM)
    assert supervisor.wait() == CUT
    assert workshop.await_state(running.job_id, "ready")["releases"] == 1


def test_what_calls_have_printed_before_is_not_lost_with_the_one_that_is_cut_off(our_workshop: Workshop) -> None:
    supervisor = our_workshop.workers("--grace", "0", PYTHONUNBUFFERED="")
    ayl.send(chores.mutter, our_workshop.folder, "muttered")
    our_workshop.read("muttered")
    ayl.send(chores.hold, our_workshop.folder, "held")
    our_workshop.read("held-begins")
    assert supervisor.logs("^muttered$") == []
    supervisor.gets(signal.SIGTERM)
    assert supervisor.wait() == CUT
    assert supervisor.logs("^muttered$") == ["muttered"]


def test_a_third_stop_kills(our_workshop: Workshop) -> None:
    workshop = our_workshop
    supervisor = workshop.workers()
    running = ayl.send(chores.seize, workshop.folder, "running")
    workshop.read("running")
    for word in ("stopping: each", "stopping at once"):
        supervisor.gets(signal.SIGTERM)
        supervisor.awaits(word)
    supervisor.gets(signal.SIGTERM)
    assert supervisor.wait() == CUT
    workshop.await_state(running.job_id, "ready")


def test_workers_of_a_supervisor_that_is_killed_keep_its_grace(our_workshop: Workshop) -> None:
    workshop = our_workshop
    supervisor = workshop.workers("--grace", "0.1")
    running = ayl.send(chores.hold, workshop.folder, "running")
    workshop.read("running-begins")
    supervisor.gets(signal.SIGKILL)
    assert workshop.await_state(running.job_id, "ready")["releases"] == 1
    eventually(lambda: not supervisor.left_behind(), workshop.told)


@SLOTS
def test_all_calls_that_run_at_a_time_are_given_back(our_workshop: Workshop, words: tuple[str, ...]) -> None:
    workshop = our_workshop
    supervisor = workshop.workers(*words)
    names = ["one", "two", "three"]
    sent = [ayl.send(chores.hold, workshop.folder, name) for name in names]
    for name in names:
        workshop.read(f"{name}-begins")
    quick = [ayl.send(chores.rest, workshop.folder, f"quick-{number}") for number in range(10)]
    workshop.await_gone(*(handle.job_id for handle in quick))
    supervisor.gets(signal.SIGTERM)
    supervisor.awaits("stopping: each")
    supervisor.gets(signal.SIGTERM)
    assert supervisor.wait() == CUT
    for handle in sent:
        job = workshop.await_state(handle.job_id, "ready")
        assert (job["reserves"], job["releases"]) == (1, 1)


def test_two_stops_in_one_breath_cut_off_as_well(our_workshop: Workshop) -> None:
    workshop = our_workshop
    supervisor = workshop.workers()
    running = ayl.send(chores.spin, workshop.folder, "running")
    workshop.read("running")
    supervisor.gets(signal.SIGTERM)
    supervisor.gets(signal.SIGINT)
    supervisor.wait()
    assert supervisor.left_behind() == []
    workshop.await_state(running.job_id, "ready")


def test_ctrl_c_reaches_supervisor_and_workers_alike_and_is_one_stop(workshop: Workshop) -> None:
    supervisor = workshop.workers(workers=2)
    running = ayl.send(chores.hold, workshop.folder, "running")
    workshop.read("running-begins")
    supervisor.group_gets(signal.SIGINT)
    supervisor.awaits("stopping")
    workshop.let_go("running")
    assert supervisor.wait() == 0
    assert workshop.gone(running.job_id)
    assert supervisor.left_behind() == []
    assert "Traceback" not in supervisor.log()


def test_a_worker_that_is_stopped_alone_ends_its_call_and_is_replaced(workshop: Workshop) -> None:
    supervisor = workshop.workers()
    running = ayl.send(chores.hold, workshop.folder, "running")
    worker = workshop.read("running-begins").pid
    os.kill(worker, signal.SIGTERM)
    workshop.let_go("running")
    workshop.await_gone(running.job_id)
    after = ayl.send(chores.note, workshop.folder, "after")
    workshop.await_gone(after.job_id)
    assert workshop.read("after").pid == supervisor.started()[1] != worker


def test_workers_do_not_outlive_a_supervisor_that_is_killed(workshop: Workshop) -> None:
    supervisor = workshop.workers(workers=3)
    running = ayl.send(chores.hold, workshop.folder, "running")
    busy = workshop.read("running-begins").pid
    workshop.await_waiting(2)
    supervisor.gets(signal.SIGKILL)
    eventually(lambda: supervisor.left_behind() == [busy], workshop.told)
    workshop.let_go("running")
    eventually(lambda: not supervisor.left_behind(), workshop.told)
    assert workshop.gone(running.job_id)


def test_a_stop_ends_a_supervisor_that_has_no_worker_just_then(workshop: Workshop) -> None:
    supervisor = workshop.workers()
    os.kill(supervisor.started()[0], signal.SIGKILL)
    supervisor.awaits("was killed by SIGKILL")
    supervisor.gets(signal.SIGTERM)
    assert supervisor.wait() == 0
    assert supervisor.left_behind() == []


def test_a_call_that_let_asyncio_handle_a_signal_leaves_the_worker_stoppable(workshop: Workshop) -> None:
    supervisor = workshop.workers()
    sent = ayl.send(chores.listen, workshop.folder, "heard")
    workshop.await_gone(sent.job_id)
    workshop.await_waiting()
    supervisor.gets(signal.SIGTERM)
    assert supervisor.wait() == 0
