"""Coroutine slots: calls overlap on one loop, over few connections, and all that is promised of one slot holds."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING

import pytest

import ayl
from tests.processes.deadline import eventually
from tests.processes.servers import Kind, serving

from .app import chores
from .test_lost_server import UNREACHABLE, restarted
from .workshop import Workshop

if TYPE_CHECKING:
    from pathlib import Path

    from .workshop import Supervisor

WORDS = ("one", "two", "three")


def loop_workers(workshop: Workshop, coroutines: int = 10, threads: int = 0) -> Supervisor:
    return workshop.workers("--coroutines", str(coroutines), "--threads", str(threads))


def hold_all(workshop: Workshop) -> list[int | None]:
    """Three calls that run at the same time; their jobs."""
    jobs = [ayl.send(chores.await_file, workshop.folder, word).job_id for word in WORDS]
    for word in WORDS:
        workshop.read(f"{word}-begins")
    return jobs


def watching(workshop: Workshop) -> int:
    """How many connections the worker has."""
    return workshop.client.stats_tube(workshop.tube)["current-watching"]


def test_a_thousand_calls_that_sleep_two_seconds_take_hardly_longer_together(our_workshop: Workshop) -> None:
    workshop = our_workshop
    loop_workers(workshop, 1000)
    workshop.await_waiting()
    began = time.monotonic()
    ayl.send_many((chores.nap, workshop.folder, f"nap-{number}", 2.0) for number in range(1000))
    workshop.await_empty()  # in 32 threads they would take 62 s, for which nobody waits
    seconds = time.monotonic() - began
    print(f"1000 calls of 2 s on a loop: {seconds:.2f} s")  # noqa: T201 - the figure, for who runs it by hand
    assert len(workshop.words()) == 1000


def test_calls_overlap_and_each_is_settled_at_once(workshop: Workshop) -> None:
    loop_workers(workshop)
    first, *others = hold_all(workshop)
    workshop.let_go("one")
    workshop.await_gone(first)
    assert [workshop.job(job)["state"] for job in others] == ["reserved", "reserved"]
    workshop.let_go("two")
    workshop.let_go("three")
    workshop.await_empty()


def test_no_more_calls_are_taken_than_there_are_slots(workshop: Workshop) -> None:
    loop_workers(workshop, 3)
    hold_all(workshop)
    ayl.send(chores.nap, workshop.folder, "later", 0)
    workshop.await_jobs("ready", 1)
    workshop.await_jobs("reserved", 3)
    workshop.let_go("one")
    workshop.read("later")
    workshop.let_go("two")
    workshop.let_go("three")
    workshop.await_empty()


def test_calls_that_come_one_by_one_share_few_connections(our_workshop: Workshop) -> None:
    workshop = our_workshop
    loop_workers(workshop, 300)
    workshop.await_waiting()
    words = [f"held-{number}" for number in range(200)]
    for word in words:
        ayl.send(chores.await_file, workshop.folder, word)
        time.sleep(0.001)
    workshop.read(words[-1] + "-begins")
    assert watching(workshop) < 70
    for word in words:
        workshop.let_go(word)
    workshop.await_empty()
    eventually(lambda: watching(workshop) <= 6, workshop.told)


def test_plain_functions_run_in_threads_and_hold_up_no_coroutine(workshop: Workshop) -> None:
    loop_workers(workshop)
    for word in WORDS:
        ayl.send(chores.hold, workshop.folder, word)
    for word in WORDS:
        workshop.read(f"{word}-begins")
    ayl.send(chores.rest, workshop.folder, "meanwhile")
    workshop.read("meanwhile")
    for word in WORDS:
        workshop.let_go(word)
    workshop.await_empty()


def test_plain_functions_for_which_there_is_no_thread_are_given_back(our_workshop: Workshop) -> None:
    workshop = our_workshop
    words = [f"plain-{number}" for number in range(60)]
    ayl.send_many((chores.hold, workshop.folder, word) for word in words)
    loop_workers(workshop, 200)
    workshop.await_jobs("reserved", 32)
    workshop.await_jobs("ready", 28)
    for word in words:
        workshop.let_go(word)
    workshop.await_empty()
    assert sorted(workshop.words()) == sorted(f"{word}-{end}" for word in words for end in ("begins", "ends"))


def test_coroutines_of_all_slots_run_on_one_loop(workshop: Workshop) -> None:
    loop_workers(workshop, 2, threads=2)
    workshop.await_waiting(3)
    for _ in range(30):
        ayl.send(chores.tell_loop, workshop.folder, "on")
    workshop.await_empty()
    assert len(workshop.words()) == 30
    assert len({*workshop.words()}) == 1
    assert workshop.words()[0].startswith("on-ayl_loop-")


def test_methods_of_objects_run_too(workshop: Workshop) -> None:
    loop_workers(workshop)
    shelf = workshop.folder / "shelf"
    shelf.touch()
    ayl.send(chores.Shelf(str(shelf)).label, "labelled")
    ayl.send(chores.Shelf.count, workshop.folder, "counted")
    workshop.read("labelled")
    workshop.read("counted-Shelf")
    workshop.await_empty()


@pytest.mark.parametrize("trouble", ["ValueError", "SystemExit", "KeyboardInterrupt", "BaseException", "Bury"])
def test_what_a_call_raises_concerns_its_job_alone(our_workshop: Workshop, trouble: str) -> None:
    workshop = our_workshop
    supervisor = loop_workers(workshop)
    held = ayl.send(chores.await_file, workshop.folder, "one")
    workshop.read("one-begins")
    ayl.opts(failed_job_handler="bury").send(chores.await_trouble, workshop.folder, "troubled", trouble)
    workshop.await_jobs("buried", 1)
    workshop.let_go("one")
    workshop.await_gone(held.job_id)
    assert len(supervisor.started()) == 1


def test_a_task_that_a_call_leaves_behind_does_not_end_the_others(our_workshop: Workshop) -> None:
    workshop = our_workshop
    supervisor = loop_workers(workshop)
    hold_all(workshop)
    ayl.send(chores.leave_task, workshop.folder, "left")
    workshop.read("left")
    for word in WORDS:
        workshop.let_go(word)
    workshop.await_empty()
    assert len(supervisor.started()) == 1
    assert workshop.words().count("one-begins") == 1


def test_a_failed_call_comes_back_and_is_made_again(workshop: Workshop) -> None:
    loop_workers(workshop)
    ayl.opts(failed_job_delay=0).send(chores.await_trouble, workshop.folder, "tried", "ValueError")
    workshop.read("tried", 3)
    workshop.await_jobs("buried", 1)


def test_strange_jobs_are_buried_meanwhile(workshop: Workshop) -> None:
    loop_workers(workshop)
    workshop.put(b"nonsense")
    workshop.await_jobs("buried", 1)


def test_a_stop_lets_all_calls_end_and_takes_nothing_else(workshop: Workshop) -> None:
    supervisor = loop_workers(workshop, 3)
    jobs = hold_all(workshop)
    waiting = ayl.send(chores.note, workshop.folder, "waiting")
    supervisor.gets(signal.SIGTERM)
    supervisor.awaits("takes no more jobs")
    for word in WORDS:
        workshop.let_go(word)
    assert supervisor.wait() == 0
    workshop.await_gone(*jobs)
    job = workshop.job(waiting.job_id)
    assert (job["state"], job["reserves"], job["releases"]) == ("ready", 0, 0)
    assert supervisor.left_behind() == []
    assert "Traceback" not in supervisor.log()


def test_a_stop_ends_slots_that_wait_at_once(our_workshop: Workshop) -> None:
    supervisor = loop_workers(our_workshop)
    our_workshop.await_waiting()
    supervisor.gets(signal.SIGINT)
    assert supervisor.wait() == 0
    assert supervisor.left_behind() == []


def test_an_order_to_retire_ends_the_process_once_all_calls_have_ended(our_workshop: Workshop) -> None:
    workshop = our_workshop
    supervisor = loop_workers(workshop, threads=1)
    ayl.send(chores.await_file, workshop.folder, "one")
    workshop.read("one-begins")
    workshop.put(b'{"type":"ayl-control","do":"exit"}')
    supervisor.awaits("takes no more jobs")
    assert supervisor.process.poll() is None
    workshop.let_go("one")
    assert supervisor.wait() == 0
    assert supervisor.logs(r"worker \d+ retired")
    workshop.await_empty()


def test_what_ran_in_a_process_that_is_killed_is_run_again(workshop: Workshop) -> None:
    for word in WORDS:
        ayl.send(chores.await_file_first, workshop.folder, word)
    loop_workers(workshop)
    (pid,) = {workshop.read(f"{word}-begins").pid for word in WORDS}
    os.kill(pid, signal.SIGKILL)
    for word in WORDS:
        workshop.read(f"{word}-again")
    workshop.await_empty()


def test_slots_find_a_server_again_that_was_restarted(kind: Kind, tmp_path: Path) -> None:
    with serving(kind, tmp_path) as server:
        workshop = Workshop(server, tmp_path)
        try:
            supervisor = loop_workers(workshop)
            ayl.send(chores.await_file, tmp_path, "orphan")
            workshop.read("orphan-begins")
            server.kill()
            supervisor.awaits(UNREACHABLE)
            workshop.let_go("orphan")
            with restarted(kind, tmp_path, server.port) as again:
                workshop.reconnect(again)
                jobs = hold_all(workshop)
                for word in WORDS:
                    workshop.let_go(word)
                workshop.await_gone(*jobs)
                supervisor.gets(signal.SIGTERM)
                assert supervisor.wait() == 0
        finally:
            workshop.close()


def test_several_servers_serve_the_loop(kind: Kind, tmp_path_factory: pytest.TempPathFactory) -> None:
    homes = [tmp_path_factory.mktemp(name) for name in ("here", "there")]
    with serving(kind, homes[0]) as here, serving(kind, homes[1]) as there:
        workshops = [Workshop(here, homes[0]), Workshop(there, homes[1])]
        both = f"{here.url},{there.url.removeprefix('beanstalk://')}"
        try:
            tubes = [word for workshop in workshops for word in ("--tube", workshop.tube)]
            workers = workshops[0].workers("--coroutines", "300", *tubes, AYL_ENGINE=both)
            for workshop in workshops:
                ayl.configure(version=workshop.version, engine=workshop.server.url)
                ayl.send_many((chores.nap, workshop.folder, f"nap-{number}", 0.5) for number in range(150))
            for workshop in workshops:
                workshop.await_empty()
                assert sorted(workshop.words()) == sorted(f"nap-{number}" for number in range(150))
            workers.gets(signal.SIGTERM)
            assert workers.wait() == 0
        finally:
            for workshop in workshops:
                workshop.close()


def test_a_process_without_slots_is_refused(our_workshop: Workshop) -> None:
    supervisor = our_workshop.command("--require", "chores", "--threads", "0")
    assert supervisor.wait() == 2
    assert "a worker needs slots" in supervisor.log()


def test_a_coroutine_is_cancelled_at_its_time_to_run_and_the_others_go_on(our_workshop: Workshop) -> None:
    workshop = our_workshop
    supervisor = loop_workers(workshop)
    hold_all(workshop)
    ayl.opts(time_to_run=1, failed_job_handler="bury").send(chores.nap, workshop.folder, "never", 60)
    workshop.await_jobs("buried", 1)
    supervisor.awaits("TimeToRunExceeded")
    for word in WORDS:
        workshop.let_go(word)
        workshop.read(f"{word}-ends")
    assert len(supervisor.started()) == 1


def test_a_call_that_holds_up_the_loop_past_its_time_to_run_takes_its_process_down(our_workshop: Workshop) -> None:
    workshop = our_workshop
    supervisor = loop_workers(workshop)
    ayl.opts(time_to_run=1, failed_job_delay=0).send(chores.block_first, workshop.folder, "blocked")
    workshop.read("blocked-again")
    assert len(supervisor.started()) == 2
    workshop.await_empty()
