"""Quiet: calls that run end, none begins, and the supervisor stays to take jobs again."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

import ayl
from tests.processes.deadline import eventually

from .app import chores

if TYPE_CHECKING:
    from .workshop import Workshop

PAIRS = pytest.mark.parametrize(
    ("quiet", "resume"),
    [(signal.SIGTSTP, signal.SIGCONT), (signal.SIGUSR1, signal.SIGUSR2)],
    ids=["SIGTSTP", "SIGUSR1"],
)


@PAIRS
def test_what_runs_ends_and_nothing_begins_until_told_so(
    workshop: Workshop, quiet: signal.Signals, resume: signal.Signals
) -> None:
    supervisor = workshop.workers("--grace", "0", workers=2)
    workshop.await_waiting(2)
    running = ayl.send(chores.hold, workshop.folder, "running")
    workshop.read("running-begins")
    supervisor.gets(quiet)
    supervisor.awaits("ended$")
    waiting = ayl.send(chores.note, workshop.folder, "waiting")
    workshop.let_go("running")
    workshop.await_gone(running.job_id)
    eventually(lambda: supervisor.left_behind() == [supervisor.process.pid], supervisor.log)
    assert workshop.job(waiting.job_id)["reserves"] == 0
    supervisor.gets(resume)
    workshop.await_gone(waiting.job_id)
    workshop.await_waiting(2)
    assert workshop.words() == ["running-begins", "running-ends", "waiting"]


def test_a_stop_of_one_that_is_quiet_ends_it(our_workshop: Workshop) -> None:
    supervisor = our_workshop.workers("--grace", "0.1")
    running = ayl.send(chores.hold, our_workshop.folder, "running")
    our_workshop.read("running-begins")
    supervisor.gets(signal.SIGTSTP)
    supervisor.awaits("quiet")
    supervisor.gets(signal.SIGTERM)
    assert supervisor.wait() == 75
    assert our_workshop.job(running.job_id)["releases"] == 1


def test_a_supervisor_that_is_quiet_and_has_no_workers_left_can_be_stopped(our_workshop: Workshop) -> None:
    supervisor = our_workshop.workers()
    supervisor.gets(signal.SIGUSR1)
    supervisor.awaits("ended$")
    supervisor.gets(signal.SIGINT)
    assert supervisor.wait() == 0


def test_a_terminal_s_ctrl_z_reaches_supervisor_and_workers_alike_and_is_one_quiet(our_workshop: Workshop) -> None:
    supervisor = our_workshop.workers(workers=2)
    our_workshop.await_waiting(2)
    supervisor.group_gets(signal.SIGTSTP)
    supervisor.awaits("ended$", 2)
    supervisor.group_gets(signal.SIGCONT)
    our_workshop.await_waiting(2)
