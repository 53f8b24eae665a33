"""SIGHUP puts new workers in the place of the old ones, and the tube is served all the time."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import ayl
from tests.processes.deadline import eventually, for_a_while

from .app import chores

if TYPE_CHECKING:
    from pathlib import Path

    from .workshop import Supervisor, Workshop

CRASH_LOOP = 70

PLACES = r"takes the place of worker (\d+)$"


def test_a_new_worker_is_there_before_the_old_one_goes(workshop: Workshop) -> None:
    supervisor = workshop.workers(workers=2)
    workshop.await_waiting(2)
    old = supervisor.started()
    supervisor.gets(signal.SIGHUP)
    fewest = 2

    def look() -> bool:
        nonlocal fewest
        fewest = min(fewest, workshop.client.stats_tube(workshop.tube)["current-watching"])
        return len(supervisor.logs(PLACES)) == 2 and len(supervisor.logs("ended$")) == 2

    eventually(look, supervisor.log)
    assert fewest == 2
    workshop.await_waiting(2)
    assert len(supervisor.started()) == 4
    assert supervisor.left_behind() == sorted([supervisor.process.pid, *(set(supervisor.started()) - set(old))])


def test_the_call_of_the_old_worker_ends_while_the_new_one_takes_jobs(workshop: Workshop) -> None:
    supervisor = workshop.workers()
    running = ayl.send(chores.hold, workshop.folder, "running")
    old = workshop.read("running-begins").pid
    supervisor.gets(signal.SIGHUP)
    supervisor.awaits(PLACES)
    ayl.send(chores.note, workshop.folder, "meanwhile")
    assert workshop.read("meanwhile").pid != old
    workshop.let_go("running")
    workshop.await_gone(running.job_id)
    assert workshop.read("running-ends").pid == old
    supervisor.awaits(f"worker {old} ended$")


def test_an_old_worker_has_the_grace_and_no_longer(our_workshop: Workshop) -> None:
    workshop = our_workshop
    supervisor = workshop.workers("--grace", "0.1")
    running = ayl.send(chores.hold_first, workshop.folder, "running")
    workshop.read("running-begins")
    supervisor.gets(signal.SIGHUP)
    workshop.read("running-again")
    workshop.await_gone(running.job_id)
    supervisor.awaits("cut off its call and gave the job back")
    assert supervisor.process.poll() is None


def module(workshop: Workshop, source: str) -> Supervisor:
    """A supervisor of an app with this source."""
    rewrite(workshop.folder, source)
    known = {"AYL_APP": "chores", "AYL_VERSION": workshop.version, "AYL_ENGINE": workshop.server.url}
    return workshop.command("--require", "fresh", **known)


def rewrite(folder: Path, source: str) -> None:
    (folder / "fresh.py").write_text(source)


def test_new_code_that_cannot_be_loaded_leaves_the_old_workers_at_work(our_workshop: Workshop) -> None:
    supervisor = module(our_workshop, "")
    our_workshop.await_waiting(1)
    rewrite(our_workshop.folder, "import nowhere_at_all\n")
    supervisor.gets(signal.SIGHUP)
    supervisor.awaits(f"failed to take the place of worker {supervisor.started()[0]}, which stays$")
    our_workshop.await_waiting(1)
    assert supervisor.process.poll() is None
    rewrite(our_workshop.folder, "# better\n")
    supervisor.gets(signal.SIGHUP)
    supervisor.awaits(PLACES)


def test_a_worker_that_dies_while_its_successor_starts_is_not_replaced_twice(our_workshop: Workshop) -> None:
    supervisor = our_workshop.workers()
    our_workshop.await_waiting(1)
    supervisor.gets(signal.SIGHUP)
    supervisor.awaits("started worker", 2)
    os.kill(supervisor.started()[0], signal.SIGKILL)
    our_workshop.await_waiting(1)
    for_a_while(1.0, lambda: None)
    assert len(supervisor.started()) == 2


def test_workers_that_die_at_their_start_again_and_again_are_given_up_with_a_code_that_says_so(
    our_workshop: Workshop,
) -> None:
    supervisor = module(our_workshop, "import os\nos._exit(9)\n")
    assert supervisor.wait() == CRASH_LOOP
    assert len(supervisor.started()) == 5
    assert supervisor.logs("CRITICAL .* giving up: 5 workers in a row died before they had loaded the app")
