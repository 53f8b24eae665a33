"""`kill_worker`: one worker of the tube finishes, ends and is not replaced."""

from __future__ import annotations

import os
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

import ayl
from ayl import admin
from tests.processes.servers import command, environment

from .app import chores

if TYPE_CHECKING:
    from .workshop import Workshop


def kill_worker(workshop: Workshop) -> subprocess.CompletedProcess[str]:
    """What an operator types."""
    return subprocess.run(
        [command("ayl_beanstalk"), "kill_worker", "-p", str(workshop.server.port), "-t", workshop.tube],
        capture_output=True,
        text=True,
        env=environment(),
        check=False,
    )


def test_the_last_worker_that_is_asked_to_exit_ends_the_supervisor(workshop: Workshop) -> None:
    supervisor = workshop.workers()
    workshop.await_waiting()
    said = kill_worker(workshop)
    assert (said.returncode, said.stderr) == (0, "")
    assert said.stdout.startswith(f"asked the worker of {workshop.tube} to exit (job ")
    assert supervisor.wait() == 0
    assert supervisor.left_behind() == []
    assert supervisor.logs(r"worker \d+ retired$")
    assert workshop.client.stats_tube(workshop.tube)["cmd-delete"] == 1


def test_one_worker_exits_and_is_not_replaced_while_a_killed_one_is(workshop: Workshop) -> None:
    supervisor = workshop.workers(workers=2)
    workshop.await_waiting(2)
    admin.kill_worker(workshop.address, workshop.tube)
    supervisor.awaits(r"worker \d+ retired$")
    workshop.await_waiting(1)
    (retired,) = (int(line.split()[-2]) for line in supervisor.logs(r"worker \d+ retired$"))
    (left,) = set(supervisor.started()) - {retired}
    # Had the retired one a successor, it would be due before that of the one which is killed now.
    os.kill(left, signal.SIGKILL)
    supervisor.awaits(r"started worker \d+$", 3)
    assert ayl.send(chores.note, workshop.folder, "after").job_id
    assert workshop.read("after").pid == supervisor.started()[-1]
    assert len(supervisor.started()) == 3
    assert supervisor.left_behind() == sorted([supervisor.process.pid, supervisor.started()[-1]])


def test_a_worker_that_makes_a_call_ends_it_before_it_exits(workshop: Workshop) -> None:
    supervisor = workshop.workers()
    running = ayl.send(chores.hold, workshop.folder, "running")
    workshop.read("running-begins")
    waiting = ayl.opts(priority=0).send(chores.note, workshop.folder, "waiting")
    later = ayl.send(chores.note, workshop.folder, "later")
    (asked,) = admin.kill_worker(workshop.address, workshop.tube)
    assert asked.workers == admin.Workers(total=1, available=0, busy=1)
    workshop.let_go("running")
    assert supervisor.wait() == 0
    # The request is as urgent as the most urgent call, and no more urgent than one that came before.
    assert workshop.words() == ["running-begins", "running-ends", "waiting"]
    assert workshop.gone(running.job_id)
    assert workshop.gone(waiting.job_id)
    job = workshop.job(later.job_id)
    assert (job["state"], job["reserves"]) == ("ready", 0)


def test_two_requests_end_two_workers(workshop: Workshop) -> None:
    supervisor = workshop.workers(workers=2)
    workshop.await_waiting(2)
    for _ in range(2):
        admin.kill_worker(workshop.address, workshop.tube)
    assert supervisor.wait() == 0
    assert len(supervisor.started()) == 2


def test_nobody_can_be_asked_where_no_worker_watches(workshop: Workshop) -> None:
    with pytest.raises(admin.NobodyWatches):
        admin.kill_worker(workshop.address, workshop.tube)
    said = kill_worker(workshop)
    assert said.returncode == 1
    assert f"no worker watches the tube '{workshop.tube}'" in said.stderr
    assert workshop.client.stats_tube(workshop.tube)["total-jobs"] == 0


def test_a_worker_that_exited_watches_no_more(workshop: Workshop) -> None:
    supervisor = workshop.workers()
    workshop.await_waiting()
    admin.kill_worker(workshop.address, workshop.tube)
    supervisor.wait()
    with pytest.raises(admin.NobodyWatches):
        admin.kill_worker(workshop.address, workshop.tube)
