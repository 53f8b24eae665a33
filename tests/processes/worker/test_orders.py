"""Control messages: `quiet_worker` and `restart_worker`; `kill_worker` has a file of its own (test_retirement)."""

from __future__ import annotations

import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

import ayl
from ayl import admin
from ayl.signing import Key, KeyRing
from tests.processes.deadline import eventually
from tests.processes.servers import command, environment

from .app import chores
from .test_restarts import PLACES, module, rewrite
from .workshop import APP

if TYPE_CHECKING:
    from .workshop import Workshop

SLOTS = pytest.mark.parametrize(
    "words",
    [(), ("--threads", "2"), ("--threads", "0", "--coroutines", "2")],
    ids=["the main thread", "threads", "coroutines"],
)

QUIET = r"worker \d+ is quiet$"


def typed(workshop: Workshop, name: str, **variables: str) -> str:
    """What an operator types, and reads."""
    done = subprocess.run(
        [command("ayl_beanstalk"), name, "-p", str(workshop.server.port), "-t", workshop.tube],
        capture_output=True,
        text=True,
        env=environment(**variables),
        check=True,
    )
    return done.stdout


@SLOTS
def test_a_worker_that_is_quiet_ends_its_calls_and_keeps_its_place_until_told_to_resume(
    our_workshop: Workshop, words: tuple[str, ...]
) -> None:
    supervisor = our_workshop.workers(*words)
    our_workshop.await_watched()
    running = ayl.send(chores.hold, our_workshop.folder, "running")
    our_workshop.read("running-begins")
    assert " to be quiet" in typed(our_workshop, "quiet_worker")
    our_workshop.let_go("running")
    supervisor.awaits(QUIET)
    our_workshop.await_gone(running.job_id)
    waiting = ayl.send(chores.note, our_workshop.folder, "waiting")
    assert supervisor.left_behind() == [supervisor.process.pid]
    assert our_workshop.job(waiting.job_id)["reserves"] == 0
    supervisor.gets(signal.SIGCONT)
    our_workshop.await_gone(waiting.job_id)
    assert len(supervisor.started()) == 2


def test_the_other_workers_of_a_supervisor_go_on(our_workshop: Workshop) -> None:
    supervisor = our_workshop.workers(workers=2)
    our_workshop.await_waiting(2)
    admin.quiet_worker(our_workshop.address, our_workshop.tube)
    supervisor.awaits(QUIET)
    our_workshop.await_waiting(1)
    ayl.send(chores.note, our_workshop.folder, "meanwhile")
    our_workshop.read("meanwhile")
    supervisor.gets(signal.SIGUSR2)
    our_workshop.await_waiting(2)
    assert len(supervisor.started()) == 3


def test_all_of_them_may_be_quiet_and_the_supervisor_be_told_so_too(our_workshop: Workshop) -> None:
    supervisor = our_workshop.workers(workers=2)
    our_workshop.await_waiting(2)
    admin.quiet_worker(our_workshop.address, our_workshop.tube)
    supervisor.awaits(QUIET)
    supervisor.gets(signal.SIGTSTP)
    supervisor.awaits(r"worker \d+ ended$")
    supervisor.gets(signal.SIGCONT)
    our_workshop.await_waiting(2)
    assert len(supervisor.started()) == 4


def test_a_supervisor_whose_workers_are_all_quiet_can_be_stopped(our_workshop: Workshop) -> None:
    supervisor = our_workshop.workers()
    our_workshop.await_waiting()
    admin.quiet_worker(our_workshop.address, our_workshop.tube)
    supervisor.awaits(QUIET)
    supervisor.gets(signal.SIGTERM)
    assert supervisor.wait() == 0


@SLOTS
def test_a_worker_that_is_restarted_works_until_another_has_its_place(
    our_workshop: Workshop, words: tuple[str, ...]
) -> None:
    supervisor = our_workshop.workers(*words)
    our_workshop.await_watched()
    running = ayl.send(chores.hold, our_workshop.folder, "running")
    old = our_workshop.read("running-begins").pid
    if not words:
        our_workshop.let_go("running")  # its only slot has to see the order
    assert "to be replaced" in typed(our_workshop, "restart_worker")
    supervisor.awaits(PLACES)
    ayl.send(chores.note, our_workshop.folder, "meanwhile")
    our_workshop.read("meanwhile")
    our_workshop.let_go("running")
    our_workshop.await_gone(running.job_id)
    supervisor.awaits(f"worker {old} ended$")
    ayl.send(chores.note, our_workshop.folder, "after")
    assert our_workshop.read("after").pid == supervisor.started()[1]
    assert len(supervisor.started()) == 2


def test_an_order_to_restart_leaves_the_worker_where_the_new_code_cannot_be_loaded(our_workshop: Workshop) -> None:
    supervisor = module(our_workshop, "")
    our_workshop.await_waiting()
    rewrite(our_workshop.folder, "import nowhere_at_all\n")
    admin.restart_worker(our_workshop.address, our_workshop.tube)
    supervisor.awaits("which stays$")
    our_workshop.await_waiting()


@pytest.mark.parametrize("name", ["quiet_worker", "restart_worker"])
def test_a_worker_with_secrets_obeys_signed_orders_only(our_workshop: Workshop, name: str) -> None:
    secret = "correct-horse-battery"  # noqa: S105 - of the tests
    supervisor = our_workshop.workers(AYL_SECRETS=f"a:{secret}")
    our_workshop.await_waiting()
    assert "not signed: a worker with secrets will bury it" in typed(our_workshop, name)
    supervisor.awaits(r"buried: it is not signed, .* \(untrusted jobs so far: 1\)$")
    order = getattr(admin, name)
    order(our_workshop.address, our_workshop.tube, KeyRing([Key("a", b"another app's secret")]))
    supervisor.awaits(r"buried: its signature with the key a is wrong \(untrusted jobs so far: 2\)$")
    assert not supervisor.logs(rf"{QUIET}|has done enough")
    assert ", signed)" in typed(our_workshop, name, AYL_SECRETS=f"a:{secret}")
    supervisor.awaits(QUIET if name == "quiet_worker" else PLACES)


@pytest.mark.parametrize("order", ["exit", "quiet", "restart"])
def test_an_order_to_the_workers_of_another_app_is_not_obeyed(our_workshop: Workshop, order: str) -> None:
    supervisor = our_workshop.workers()
    our_workshop.await_waiting()
    job = our_workshop.put(admin.control(order, "another"), priority=0)
    supervisor.awaits(f"job {job} buried: a message of the app 'another'; this worker is of '{APP}'$")
    our_workshop.await_state(job, "buried")
    our_workshop.await_waiting()
    assert len(supervisor.started()) == 1


def test_an_order_of_an_older_operator_who_does_not_name_the_app_is_obeyed(our_workshop: Workshop) -> None:
    supervisor = our_workshop.workers()
    our_workshop.await_waiting()
    our_workshop.put(b'{"type":"ayl-control","do":"exit"}')
    assert supervisor.wait() == 0


def test_each_order_is_obeyed_once_and_is_gone(our_workshop: Workshop) -> None:
    supervisor = our_workshop.workers(workers=2)
    our_workshop.await_waiting(2)
    for number in (1, 2):
        admin.restart_worker(our_workshop.address, our_workshop.tube)
        supervisor.awaits(PLACES, number)
        supervisor.awaits(r"worker \d+ ended$", number)
        our_workshop.await_waiting(2)
    eventually(lambda: our_workshop.client.stats_tube(our_workshop.tube)["cmd-delete"] == 2, our_workshop.told)
    assert len(supervisor.started()) == 4
