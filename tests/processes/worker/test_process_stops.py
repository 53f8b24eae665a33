"""Process slots at a stop, and when their worker is to go."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

import ayl
from ayl import admin
from tests.processes.deadline import eventually

from .app import chores
from .children import children, held, lives
from .test_stops import CUT

if TYPE_CHECKING:
    from .workshop import Workshop


def test_calls_hear_of_a_stop_and_end(our_workshop: Workshop) -> None:
    supervisor = our_workshop.workers("--processes", "2")
    for word in ("one", "two"):
        ayl.send(chores.heed, our_workshop.folder, word)
        our_workshop.read(f"{word}-begins")
    waiting = ayl.send(chores.note, our_workshop.folder, "waiting")
    supervisor.gets(signal.SIGTERM)
    assert supervisor.wait() == 0
    assert {*our_workshop.words()} == {"one-begins", "one-stops", "two-begins", "two-stops"}
    assert our_workshop.job(waiting.job_id)["reserves"] == 0
    assert supervisor.left_behind() == []
    assert "Traceback" not in supervisor.log()


def test_a_stop_ends_processes_that_wait_at_once(our_workshop: Workshop) -> None:
    supervisor = our_workshop.workers("--processes", "3")
    our_workshop.await_waiting(3)
    supervisor.group_gets(signal.SIGINT)
    assert supervisor.wait() == 0
    assert supervisor.left_behind() == []


def test_what_runs_is_given_back_at_a_second_stop_even_if_it_holds_the_interpreter_lock(our_workshop: Workshop) -> None:
    workshop = our_workshop
    supervisor = workshop.workers("--processes", "2")
    sent = [
        ayl.send(chores.clutch, workshop.folder, "gripping", 60),
        ayl.send(chores.hold, workshop.folder, "holding"),
    ]
    workshop.read("gripping-begins")
    workshop.read("holding-begins")
    supervisor.gets(signal.SIGTERM)
    supervisor.awaits("stopping: each")
    supervisor.gets(signal.SIGTERM)
    assert supervisor.wait() == CUT
    for handle in sent:
        job = workshop.await_state(handle.job_id, "ready")
        assert (job["reserves"], job["releases"]) == (1, 1)
    assert supervisor.left_behind() == []


def test_quiet_ends_processes_after_their_calls_and_others_come_later(our_workshop: Workshop) -> None:
    supervisor = our_workshop.workers("--processes", "1")
    first = held(our_workshop, "one")
    supervisor.gets(signal.SIGTSTP)
    supervisor.awaits("quiet: ")
    our_workshop.let_go("one")
    eventually(lambda: supervisor.left_behind() == [supervisor.process.pid], supervisor.log)
    assert not lives(first)
    supervisor.gets(signal.SIGCONT)
    held(our_workshop, "two")


@pytest.mark.parametrize("whom", ["supervisor", "worker"])
def test_a_process_does_not_outlive_its_worker_even_if_a_call_holds_the_interpreter_lock(
    our_workshop: Workshop, whom: str
) -> None:
    workshop = our_workshop
    supervisor = workshop.workers("--processes", "1", "--grace", "0.1")
    ayl.send(chores.clutch, workshop.folder, "gripping", 60)
    pid = workshop.read("gripping-begins").pid
    os.kill({"supervisor": supervisor.process.pid, "worker": supervisor.started()[0]}[whom], signal.SIGKILL)
    eventually(lambda: not lives(pid), supervisor.log)


def test_an_order_to_retire_ends_the_worker(our_workshop: Workshop) -> None:
    supervisor = our_workshop.workers("--processes", "2")
    our_workshop.await_waiting(2)
    our_workshop.put(b'{"type":"ayl-control","do":"exit"}')
    assert supervisor.wait() == 0
    assert supervisor.logs(r"worker \d+ retired")
    our_workshop.await_empty()


def test_an_order_to_be_quiet_ends_the_worker_and_keeps_its_place(our_workshop: Workshop) -> None:
    supervisor = our_workshop.workers("--processes", "2")
    our_workshop.await_waiting(2)
    admin.quiet_worker(our_workshop.address, our_workshop.tube)
    supervisor.awaits(r"worker \d+ is quiet$")
    assert supervisor.left_behind() == [supervisor.process.pid]
    supervisor.gets(signal.SIGCONT)
    our_workshop.await_waiting(2)


def test_an_order_to_restart_replaces_the_worker_and_not_only_a_process(our_workshop: Workshop) -> None:
    supervisor = our_workshop.workers("--processes", "1")
    our_workshop.await_waiting(1)
    admin.restart_worker(our_workshop.address, our_workshop.tube)
    supervisor.awaits(r"worker \d+ takes the place of worker \d+$")
    supervisor.awaits(r"worker \d+ ended$")
    assert held(our_workshop, "one") in children(supervisor)[1:]
    assert len(supervisor.started()) == 2
