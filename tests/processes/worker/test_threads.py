"""Several thread slots in one process: calls run at the same time, and all that is promised of one slot holds."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING

import ayl
from tests.processes.deadline import eventually
from tests.processes.servers import Kind, serving

from .app import chores
from .test_lost_server import UNREACHABLE, restarted
from .workshop import Workshop

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

WORDS = ("one", "two", "three")


def hold_all(workshop: Workshop) -> list[int | None]:
    """Three calls that run at the same time; their jobs."""
    jobs = [ayl.send(chores.hold, workshop.folder, word).job_id for word in WORDS]
    for word in WORDS:
        workshop.read(f"{word}-begins")
    return jobs


def test_calls_run_at_the_same_time_in_one_process(workshop: Workshop) -> None:
    supervisor = workshop.workers("--threads", "3")
    jobs = hold_all(workshop)
    assert {entry.pid for entry in workshop.diary()} == {*supervisor.started()}
    for word in reversed(WORDS):
        workshop.let_go(word)
        workshop.read(f"{word}-ends")
    workshop.await_gone(*jobs)


def test_the_server_sees_free_slots_as_waiting_and_all_as_watching(workshop: Workshop) -> None:
    workshop.workers("--threads", "3")
    workshop.await_waiting(3)
    ayl.send(chores.hold, workshop.folder, "one")
    workshop.read("one-begins")
    workshop.await_waiting(2)
    assert workshop.client.stats_tube(workshop.tube)["current-watching"] == 3
    workshop.let_go("one")
    workshop.await_waiting(3)


def test_a_finished_call_is_settled_at_once_while_others_run_and_wait(workshop: Workshop) -> None:
    workshop.workers("--threads", "4")
    first, *others = hold_all(workshop)
    workshop.let_go("one")
    workshop.await_gone(first)
    assert [workshop.job(job)["state"] for job in others] == ["reserved", "reserved"]
    workshop.let_go("two")
    workshop.let_go("three")
    workshop.await_empty()


def test_a_stop_lets_all_calls_end_and_takes_nothing_else(workshop: Workshop) -> None:
    supervisor = workshop.workers("--threads", "3")
    jobs = hold_all(workshop)
    waiting = ayl.send(chores.note, workshop.folder, "waiting")
    supervisor.gets(signal.SIGTERM)
    supervisor.awaits("takes no more jobs")
    for word in WORDS:
        workshop.let_go(word)
    assert supervisor.wait() == 0
    workshop.await_gone(*jobs)
    assert "waiting" not in workshop.words()
    job = workshop.job(waiting.job_id)
    assert (job["state"], job["reserves"], job["releases"]) == ("ready", 0, 0)
    assert supervisor.left_behind() == []
    assert "Traceback" not in supervisor.log()


def test_a_stop_ends_slots_that_wait_at_once(our_workshop: Workshop) -> None:
    supervisor = our_workshop.workers("--threads", "20")
    our_workshop.await_waiting(20)
    supervisor.gets(signal.SIGINT)
    assert supervisor.wait() == 0
    assert supervisor.left_behind() == []


def test_an_order_to_retire_ends_the_process_once_all_slots_have_finished(our_workshop: Workshop) -> None:
    workshop = our_workshop
    supervisor = workshop.workers("--threads", "3")
    ayl.send(chores.hold, workshop.folder, "one")
    workshop.read("one-begins")
    workshop.put(b'{"type":"ayl-control","do":"exit"}')
    eventually(lambda: supervisor.logs("end, and let nobody take the place"), supervisor.log)
    eventually(lambda: workshop.client.stats_tube(workshop.tube)["current-waiting"] == 0, supervisor.log)
    assert supervisor.process.poll() is None
    workshop.let_go("one")
    assert supervisor.wait() == 0
    assert supervisor.logs(r"worker \d+ retired")
    assert len(supervisor.started()) == 1
    workshop.await_empty()


def test_what_ran_in_a_process_that_is_killed_is_run_again(workshop: Workshop) -> None:
    for word in WORDS:
        ayl.send(chores.hold_first, workshop.folder, word)
    workshop.workers("--threads", "3")
    (pid,) = {workshop.read(f"{word}-begins").pid for word in WORDS}
    os.kill(pid, signal.SIGKILL)
    for word in WORDS:
        workshop.read(f"{word}-again")
    workshop.await_empty()


def test_many_short_calls_are_all_made_once(workshop: Workshop) -> None:
    ayl.send_many((chores.note, workshop.folder, f"short-{number}") for number in range(1000))
    workshop.workers("--threads", "4")
    workshop.await_empty()
    assert sorted(workshop.words()) == sorted(f"short-{number}" for number in range(1000))


def test_coroutine_functions_run_in_threads_too(workshop: Workshop) -> None:
    workshop.workers("--threads", "4")
    for number in range(8):
        ayl.send(chores.rest, workshop.folder, f"rest-{number}")
    workshop.await_empty()
    assert sorted(workshop.words()) == [f"rest-{number}" for number in range(8)]


def test_slots_find_a_server_again_that_was_restarted(kind: Kind, tmp_path: Path) -> None:
    with serving(kind, tmp_path) as server:
        workshop = Workshop(server, tmp_path)
        try:
            supervisor = workshop.workers("--threads", "3")
            ayl.send(chores.hold, tmp_path, "orphan")
            workshop.read("orphan-begins")
            workshop.await_waiting(2)
            server.kill()
            supervisor.awaits(UNREACHABLE, 2)
            workshop.let_go("orphan")
            supervisor.awaits(UNREACHABLE, 3)
            with restarted(kind, tmp_path, server.port) as again:
                workshop.reconnect(again)
                workshop.await_waiting(3)
                jobs = hold_all(workshop)
                for word in WORDS:
                    workshop.let_go(word)
                workshop.await_gone(*jobs)
                supervisor.gets(signal.SIGTERM)
                assert supervisor.wait() == 0
        finally:
            workshop.close()


def test_several_servers_serve_all_slots(kind: Kind, tmp_path_factory: pytest.TempPathFactory) -> None:
    homes = [tmp_path_factory.mktemp(name) for name in ("here", "there")]
    with serving(kind, homes[0]) as here, serving(kind, homes[1]) as there:
        workshops = [Workshop(here, homes[0]), Workshop(there, homes[1])]
        both = f"{here.url},{there.url.removeprefix('beanstalk://')}"
        try:
            tubes = [word for workshop in workshops for word in ("--tube", workshop.tube)]
            workers = workshops[0].workers("--threads", "4", *tubes, AYL_ENGINE=both)
            for workshop in workshops:
                ayl.configure(version=workshop.version, engine=workshop.server.url)
                for word in ("one", "two"):
                    ayl.send(chores.hold, workshop.folder, word)
            for workshop in workshops:
                for word in ("one", "two"):
                    workshop.read(f"{word}-begins")
            for workshop in workshops:
                for word in ("one", "two"):
                    workshop.let_go(word)
                workshop.await_empty()
            workers.gets(signal.SIGTERM)
            assert workers.wait() == 0
        finally:
            for workshop in workshops:
                workshop.close()


def test_a_hundred_calls_that_sleep_a_second_take_hardly_longer_together(our_workshop: Workshop) -> None:
    workshop = our_workshop
    workshop.workers("--threads", "100")
    workshop.await_waiting(100)
    began = time.monotonic()
    ayl.send_many((chores.sleep_on, workshop.folder, f"dozed-{number}") for number in range(100))
    workshop.await_empty()  # one after the other they would take 100 s, for which nobody waits
    seconds = time.monotonic() - began
    print(f"100 calls of 1 s in 100 threads: {seconds:.2f} s")  # noqa: T201 - the figure, for who runs it by hand
    assert len(workshop.words()) == 100
