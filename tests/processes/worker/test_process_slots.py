"""Process slots: each call has a process that may die alone, and its parent has the connection."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import ayl
from ayl import admin
from ayl.life import Life
from tests.processes.deadline import eventually, for_a_while
from tests.processes.servers import Kind, serving

from .app import chores
from .test_current import expected
from .test_kills import slow_neighbours
from .test_lost_server import UNREACHABLE, restarted
from .test_stops import CUT
from .test_times_to_run import ONCE, SECONDS, begun, in_time
from .test_titles import awaits_title
from .workshop import Workshop

if TYPE_CHECKING:
    from collections.abc import Callable

    from .workshop import Supervisor

SOON = ayl.opts(failed_job_delay=0)


def children(supervisor: Supervisor) -> list[int]:
    """The pids of all processes that slots ever had."""
    return [int(line.split()[-4]) for line in supervisor.logs(r"started process \d+ for a slot$")]


def lives(pid: int) -> bool:
    """Whether the process has not ended; a zombie has."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def held(workshop: Workshop, word: str) -> int:
    """A call that runs; the pid of its process."""
    ayl.send(chores.hold, workshop.folder, word)
    return workshop.read(f"{word}-begins").pid


# Calls


def test_calls_run_at_the_same_time_in_processes_of_their_own_and_the_worker_has_the_connections(
    workshop: Workshop,
) -> None:
    supervisor = workshop.workers("--processes", "2")
    workshop.await_waiting(2)
    pids = {held(workshop, "one"), held(workshop, "two")}
    assert pids == {*children(supervisor)}
    assert pids.isdisjoint(supervisor.started())
    assert workshop.client.stats_tube(workshop.tube)["current-watching"] == 2
    workshop.let_go("one")
    workshop.let_go("two")
    workshop.await_empty()


def test_many_short_calls_are_all_made_once(workshop: Workshop) -> None:
    ayl.send_many((chores.note, workshop.folder, f"short-{number}") for number in range(1000))
    workshop.workers("--processes", "2")
    workshop.await_empty()
    assert sorted(workshop.words()) == sorted(f"short-{number}" for number in range(1000))


def test_large_jobs_that_were_asked_for_ahead_wait_for_a_call_that_holds_the_interpreter_lock(
    our_workshop: Workshop,
) -> None:
    workshop = our_workshop
    loads = [(chores.carry, workshop.folder, f"load-{number}", "x" * 50_000) for number in range(120)]
    with ayl.batch():
        ayl.send_many(loads[:40])
        ayl.send(chores.clutch, workshop.folder, "gripping", 2)
        ayl.send_many(loads[40:])
    supervisor = workshop.workers("--processes", "1")
    workshop.await_empty()
    words = [f"load-{number}-50000" for number in range(120)]
    assert sorted(workshop.words()) == sorted([*words, "gripping-begins", "gripping-ends"])
    assert len(children(supervisor)) == 1


def test_all_kinds_of_slots_work_side_by_side(our_workshop: Workshop) -> None:
    supervisor = our_workshop.workers("--processes", "1", "--threads", "1", "--coroutines", "1")
    for word in ("one", "two", "three"):
        held(our_workshop, word)
    for word in ("one", "two", "three"):
        our_workshop.let_go(word)
    our_workshop.await_empty()
    assert {entry.pid for entry in our_workshop.diary()} == {*children(supervisor), *supervisor.started()}


def test_a_call_knows_itself(our_workshop: Workshop) -> None:
    worker = our_workshop.workers("--processes", "1")
    sent = ayl.opts(time_to_run=10, failed_job_count=1).send(chores.look_around, our_workshop.folder, "here")
    worker.awaits("ValueError: that is all")
    assert our_workshop.words() == [expected(our_workshop, "here", sent), "thread-outside"]


def test_a_call_that_fails_is_settled_as_anywhere(workshop: Workshop) -> None:
    worker = workshop.workers("--processes", "1")
    sent = ayl.opts(failed_job_delay=0).send(chores.fail_once, workshop.folder, "tried", "ValueError")
    workshop.await_gone(sent.job_id)
    assert workshop.words() == ["tried", "tried"]
    worker.awaits(r"try 1 of 3, now job \d+\) comes back in 0 s: ValueError")
    buried = ayl.send(chores.fail, workshop.folder, "failed", "Bury")
    workshop.await_state(buried.job_id, "buried")
    assert len(children(worker)) == 1


# Deaths


DEATHS: dict[str, tuple[Callable[..., object], tuple[object, ...], str]] = {
    "killed": (chores.die, (), "its process was killed by SIGKILL"),
    "a crash in C code": (chores.crash, (), "its process was killed by SIGSEGV"),
    "an exit": (chores.leave, (3,), "its process ended with exit code 3"),
    "an exit with the code of one that is to retire": (chores.leave, (79,), "its process retired"),
    "a fork that lives on": (chores.leave_behind, (), "its process was killed by SIGKILL"),
}


@pytest.mark.parametrize("death", DEATHS)
def test_a_call_that_ends_its_process_is_settled_at_once_and_nothing_else_ends(
    our_workshop: Workshop, death: str
) -> None:
    chore, args, reason = DEATHS[death]
    workshop = our_workshop
    supervisor = workshop.workers("--processes", "2")
    other = held(workshop, "other")
    sent = ayl.opts(failed_job_delay=60).send(chore, workshop.folder, "died", *args)
    job = workshop.await_state(sent.job_id, "delayed")
    life = workshop.life(job["id"])
    assert (life.tries, life.kills) == (0, 1)
    assert life.why.startswith(f"{reason}; at most ")
    assert life.why.endswith(" MB of it were in memory")
    workshop.let_go("other")
    assert workshop.read("other-ends").pid == other
    held(workshop, "next")
    held(workshop, "last")
    assert len(supervisor.started()) == 1


def test_a_crash_in_c_code_tells_where_it_came_from(our_workshop: Workshop) -> None:
    supervisor = our_workshop.workers("--processes", "1")
    SOON.send(chores.crash, our_workshop.folder, "crashed")
    our_workshop.read("crashed", 2)
    our_workshop.await_empty()
    assert supervisor.logs("Fatal Python error: Segmentation fault")
    assert supervisor.logs(r'File ".*chores.py", line \d+ in crash')


def test_a_call_that_kills_its_process_three_times_is_buried_as_poison(workshop: Workshop) -> None:
    poison = SOON.send(chores.die, workshop.folder, "died")
    supervisor = workshop.workers("--processes", "1")
    job = workshop.await_state(poison.job_id, "buried")
    life = workshop.life(job["id"])
    assert life == Life(0, 3, life.why)
    assert life.why.startswith("poison, it has killed its worker 3 times: its process was killed by SIGKILL; at most ")
    assert workshop.words() == ["died"] * 3
    assert supervisor.logs("1 kill, now job")
    assert supervisor.logs("2 kills, now job")
    assert len(supervisor.started()) == 1


def test_of_calls_that_are_in_hand_with_one_that_kills_none_is_made_twice_or_blamed(workshop: Workshop) -> None:
    notes = [(chores.note, workshop.folder, f"note-{number}") for number in range(120)]
    with ayl.batch():
        ayl.send_many(notes[:70])
        ayl.opts(failed_job_delay=60).send(chores.die, workshop.folder, "died")
        ayl.send_many(notes[70:])
    supervisor = workshop.workers("--processes", "1")
    workshop.await_jobs("ready", 0)
    workshop.await_jobs("reserved", 0)
    workshop.await_jobs("delayed", 1)
    assert sorted(workshop.words()) == sorted(["died", *(str(note[2]) for note in notes)])
    assert len(supervisor.logs("comes back")) == 1
    assert supervisor.logs("buried") == supervisor.logs("no longer ours") == []


def test_a_process_that_is_killed_while_it_waits_is_replaced_and_nobody_is_blamed(our_workshop: Workshop) -> None:
    supervisor = our_workshop.workers("--processes", "1")
    first = held(our_workshop, "one")
    our_workshop.let_go("one")
    our_workshop.await_waiting()
    os.kill(first, signal.SIGKILL)
    supervisor.awaits(rf"process {first} of a slot was killed by SIGKILL")
    assert held(our_workshop, "two") == children(supervisor)[1]
    assert supervisor.logs("failed after") == []


def test_a_process_that_is_stopped_alone_ends_its_call_and_is_replaced(our_workshop: Workshop) -> None:
    supervisor = our_workshop.workers("--processes", "1")
    first = held(our_workshop, "one")
    os.kill(first, signal.SIGTERM)
    our_workshop.let_go("one")
    assert our_workshop.read("one-ends").pid == first
    assert held(our_workshop, "two") == children(supervisor)[1]
    assert len(supervisor.started()) == 1


# Time to run


@pytest.mark.parametrize("chore", [chores.spin, chores.slumber], ids=["Python", "a coroutine"])
def test_a_call_that_can_be_interrupted_fails_and_its_process_goes_on(
    our_workshop: Workshop, chore: Callable[..., object]
) -> None:
    our_workshop.workers("--processes", "1")
    ONCE.send(chore, our_workshop.folder, "long")
    since = begun(our_workshop, "long")
    our_workshop.await_jobs("buried", 1)
    assert in_time(since)
    ayl.send(chores.note, our_workshop.folder, "next")
    assert our_workshop.read("next").pid == our_workshop.read("long").pid


@pytest.mark.parametrize("chore", [chores.doze, chores.defy], ids=["C code", "code that defies exceptions"])
def test_a_call_that_cannot_be_interrupted_fails_and_its_process_alone_ends(
    our_workshop: Workshop, chore: Callable[..., object]
) -> None:
    worker = our_workshop.workers("--processes", "2")
    other = held(our_workshop, "other")
    ONCE.send(chore, our_workshop.folder, "long")
    since = begun(our_workshop, "long")
    our_workshop.await_jobs("buried", 1)
    assert in_time(since)
    worker.awaits("buried: TimeToRunExceeded: the call took longer than 2 s")
    our_workshop.let_go("other")
    assert our_workshop.read("other-ends").pid == other
    assert len(worker.started()) == 1


@pytest.mark.parametrize("how", chores.GRIPS)
def test_a_call_that_holds_the_interpreter_lock_is_ended_as_one_that_took_too_long(
    our_workshop: Workshop, how: str
) -> None:
    worker = our_workshop.workers("--processes", "2")
    other = held(our_workshop, "other")
    sent = ONCE.send(chores.grip, our_workshop.folder, "long", how)
    since = begun(our_workshop, "long")
    job = our_workshop.await_state(sent.job_id, "buried")
    assert in_time(since)
    life = our_workshop.life(job["id"])
    assert (life.tries, life.kills) == (1, 0)
    assert life.why.startswith("TimeToRunExceeded: ")
    worker.awaits(r'File ".*chores.py", line \d+ in grip')
    our_workshop.let_go("other")
    assert our_workshop.read("other-ends").pid == other
    assert our_workshop.words().count("long") == 1


# Leases that are kept alive


def test_a_call_that_holds_the_interpreter_lock_keeps_its_lease(workshop: Workshop) -> None:
    workshop.workers("--processes", "2")
    sent = ayl.opts(time_to_run=1, keep_alive=True).send(chores.clutch, workshop.folder, "long", 4)
    workshop.read("long-begins")
    for_a_while(3, lambda: workshop.await_state(sent.job_id, "reserved"))
    assert workshop.job(sent.job_id)["timeouts"] == 0
    workshop.await_empty()
    assert workshop.words() == ["long-begins", "long-ends"]


def test_it_ends_at_its_time_limit(our_workshop: Workshop) -> None:
    worker = our_workshop.workers("--processes", "1")
    opts = ayl.opts(time_to_run=1, keep_alive=True, time_limit=SECONDS, failed_job_count=1)
    opts.send(chores.clutch, our_workshop.folder, "long", 60)
    since = begun(our_workshop, "long-begins")
    our_workshop.await_jobs("buried", 1)
    assert in_time(since)
    worker.awaits("buried: TimeToRunExceeded")
    assert our_workshop.words() == ["long-begins"]


def test_one_call_after_the_other_is_kept_alive_and_others_are_not(our_workshop: Workshop) -> None:
    workshop = our_workshop
    workshop.workers("--processes", "1")
    for word in ("one", "two"):
        sent = ayl.opts(time_to_run=1, keep_alive=True).send(chores.hold, workshop.folder, word)
        workshop.read(f"{word}-begins")
        for_a_while(1.5, lambda: workshop.await_state(sent.job_id, "reserved"))  # noqa: B023 - it is over by then
        workshop.let_go(word)
        workshop.await_gone(sent.job_id)
    ayl.opts(time_to_run=1, failed_job_count=1).send(chores.spin, workshop.folder, "three")
    workshop.await_jobs("buried", 1)


def test_a_call_whose_lease_is_lost_ends_even_if_it_holds_the_interpreter_lock(kind: Kind, tmp_path: Path) -> None:
    with serving(kind, tmp_path) as server:
        workshop = Workshop(server, tmp_path)
        try:
            supervisor = workshop.workers("--processes", "2")
            opts = ayl.opts(time_to_run=1, keep_alive=True)
            opts.send(chores.clutch, tmp_path, "gripping", 60)
            opts.send(chores.hold, tmp_path, "holding")
            pid = workshop.read("gripping-begins").pid
            other = workshop.read("holding-begins").pid
            server.kill()
            supervisor.awaits("TimeToRunExceeded: its lease is lost")
            supervisor.awaits(rf"process {pid} of a slot was killed by SIG(ABRT|KILL)")
            assert sorted(workshop.words()) == ["gripping-begins", "holding-begins"]
            with restarted(kind, tmp_path, server.port) as again:
                workshop.reconnect(again)
                workshop.await_waiting(2)
                seen = {True}
                for_a_while(2.5, lambda: seen.add(lives(other)))
                assert seen == {True}, supervisor.log()
        finally:
            workshop.close()


# Stops


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
    assert workshop.words().count("died") == 3
    assert len(supervisor.logs("buried:")) == 1


def test_no_process_takes_a_job_beside_a_thread_that_is_to_be_alone(our_workshop: Workshop) -> None:
    workshop = our_workshop
    words = ("one", "two")
    for word in words:
        ayl.opts(time_to_run=20).send(chores.hold, workshop.folder, word)
        for _ in range(3):
            with workshop.server.client(watch=workshop.tube) as client:
                client.reserve(timeout=5)  # and dies
        with workshop.server.client(watch=workshop.tube) as client:
            client.bury(client.reserve(timeout=5))
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


# Their lives


def test_the_title_of_a_process_tells_its_call(our_workshop: Workshop) -> None:
    our_workshop.workers("--processes", "1")
    pid = held(our_workshop, "one")
    awaits_title(our_workshop, pid, f"ayl_worker: chores.hold({our_workshop.folder!r}, 'one')")
    our_workshop.let_go("one")
    awaits_title(our_workshop, pid, "ayl_worker: idle")


def test_a_process_that_has_made_its_calls_is_replaced_and_its_worker_is_not(our_workshop: Workshop) -> None:
    workshop = our_workshop
    supervisor = workshop.workers("--processes", "1", "--max-jobs", "1")
    first = held(workshop, "one")
    workshop.let_go("one")
    supervisor.awaits("has done enough .1 calls.:")
    supervisor.awaits(rf"process \d+ takes the slot of process {first}$")
    supervisor.awaits(rf"process {first} of a slot ended$")
    assert held(workshop, "two") == children(supervisor)[1]
    assert len(supervisor.started()) == 1


def test_nothing_is_lost_while_processes_are_replaced_again_and_again(our_workshop: Workshop) -> None:
    supervisor = our_workshop.workers("--processes", "1", "--max-jobs", "50")
    words = [f"call-{number}" for number in range(300)]
    for replaced in (1, 2, 3):
        for word in words[replaced - 1 :: 3]:
            ayl.send(chores.note, our_workshop.folder, word)
        supervisor.awaits("takes the slot of", replaced)
    our_workshop.await_empty()
    assert sorted(our_workshop.words()) == sorted(words)
    assert len(supervisor.started()) == 1


def test_a_burst_goes_on_after_a_death_and_ends_when_nothing_is_left(our_workshop: Workshop) -> None:
    workshop = our_workshop
    expected = [f"call-{number}" for number in range(100)]
    sent = ayl.opts(priority=1, failed_job_delay=60).send(chores.die, workshop.folder, "died")
    ayl.send_many((chores.note, workshop.folder, word) for word in expected)
    supervisor = workshop.workers("--burst", "--processes", "1", await_start=False)
    assert supervisor.wait() == 0
    assert workshop.words()[0] == "died"
    assert sorted(workshop.words()) == sorted(["died", *expected])
    workshop.await_state(sent.job_id, "delayed")
    assert supervisor.left_behind() == []


FAILURES = {
    "die at their start": ("os._exit(1)", 70, "giving up: 5 processes of a slot in a row died"),
    "cannot load the app": ("raise ImportError('no')", 78, "the process of a slot cannot start"),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_processes_that_cannot_start_end_the_worker_for_good(our_workshop: Workshop, failure: str) -> None:
    statement, code, said = FAILURES[failure]
    (our_workshop.folder / "shop.py").write_text(
        f"import os, sys\nif 'process_slot' in sys.argv[0]:\n    {statement}\nimport ayl\n"
    )
    supervisor = our_workshop.command(
        "--require", "shop", "--processes", "2", AYL_APP="shop", AYL_ENGINE=our_workshop.server.url
    )
    assert supervisor.wait() == code
    assert supervisor.logs(said)
    assert supervisor.left_behind() == []


def test_slots_find_a_server_again_that_was_restarted(kind: Kind, tmp_path: Path) -> None:
    with serving(kind, tmp_path) as server:
        workshop = Workshop(server, tmp_path)
        try:
            supervisor = workshop.workers("--processes", "2")
            held(workshop, "orphan")
            workshop.await_waiting(1)
            server.kill()
            supervisor.awaits(UNREACHABLE)
            workshop.let_go("orphan")
            supervisor.awaits(UNREACHABLE, 2)
            with restarted(kind, tmp_path, server.port) as again:
                workshop.reconnect(again)
                workshop.await_waiting(2)
                held(workshop, "one")
                workshop.let_go("one")
                workshop.await_empty()
                supervisor.gets(signal.SIGTERM)
                assert supervisor.wait() == 0
                assert len(children(supervisor)) == 2
        finally:
            workshop.close()


def test_several_servers_serve_all_slots(kind: Kind, tmp_path_factory: pytest.TempPathFactory) -> None:
    homes = [tmp_path_factory.mktemp(name) for name in ("here", "there")]
    with serving(kind, homes[0]) as here, serving(kind, homes[1]) as there:
        workshops = [Workshop(here, homes[0]), Workshop(there, homes[1])]
        both = f"{here.url},{there.url.removeprefix('beanstalk://')}"
        try:
            tubes = [word for workshop in workshops for word in ("--tube", workshop.tube)]
            workers = workshops[0].workers("--processes", "2", *tubes, AYL_ENGINE=both)
            for workshop in workshops:
                ayl.configure(version=workshop.version, engine=workshop.server.url)
                held(workshop, "one")
                SOON.send(chores.leave, workshop.folder, "left", 3)
                ayl.send_many((chores.note, workshop.folder, f"note-{number}") for number in range(50))
            for workshop in workshops:
                workshop.let_go("one")
                workshop.read("left", 2)
                workshop.await_empty()
                assert len(workshop.words()) == 2 + 2 + 50
            workers.gets(signal.SIGTERM)
            assert workers.wait() == 0
        finally:
            for workshop in workshops:
                workshop.close()
