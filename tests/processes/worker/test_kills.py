"""A worker that dies in the middle of a call loses nothing: the job returns and another worker takes its place."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import ayl
from ayl.life import Life

from .app import chores
from .ways import each_way

if TYPE_CHECKING:
    from collections.abc import Callable

    from .workshop import Workshop


def test_the_call_of_a_killed_worker_is_made_again_by_its_successor(workshop: Workshop) -> None:
    supervisor = workshop.workers()
    running = ayl.opts(priority=77).send(chores.hold, workshop.folder, "running")
    first = workshop.read("running-begins").pid
    job = workshop.job(running.job_id)
    assert (job["state"], job["reserves"]) == ("reserved", 1)
    assert [first] == supervisor.started()

    os.kill(first, signal.SIGKILL)
    second = workshop.read("running-begins", times=2).pid
    assert [first, second] == supervisor.started()
    supervisor.awaits("now job \\d+\\) is made alone, for it may have killed its worker$")
    job = workshop.job(running.job_id)
    assert (job["state"], job["reserves"], job["timeouts"], job["releases"], job["pri"]) == ("reserved", 1, 0, 0, 77)
    assert workshop.life(job["id"]) == Life(alone=True)

    workshop.let_go("running")
    workshop.await_gone(job["id"])
    assert workshop.words() == ["running-begins", "running-begins", "running-ends"]
    assert len(supervisor.logs("was killed by SIGKILL")) == 1


def test_nothing_is_lost_while_workers_are_killed_again_and_again(workshop: Workshop) -> None:
    supervisor = workshop.workers(workers=2)
    sent = []
    for round_number in range(3):
        held = ayl.opts(priority=0).send(chores.hold_first, workshop.folder, f"held-{round_number}")
        sent += [held, *(ayl.send(chores.note, workshop.folder, f"call-{round_number}-{n}") for n in range(10))]
        os.kill(workshop.read(f"held-{round_number}-begins").pid, signal.SIGKILL)
    workshop.await_gone(*(handle.job_id for handle in sent))
    assert set(workshop.words()) >= {f"call-{r}-{n}" for r in range(3) for n in range(10)}
    assert set(workshop.words()) >= {f"held-{r}-again" for r in range(3)}
    supervisor.awaits("was killed by SIGKILL", 3)


def test_a_call_that_ends_the_process_is_made_again_by_another_worker(workshop: Workshop) -> None:
    supervisor = workshop.workers()
    sent = ayl.send(chores.leave, workshop.folder, "left", 3)
    workshop.read("left", times=2)
    workshop.await_gone(sent.job_id)
    assert [entry.pid for entry in workshop.diary()] == supervisor.started()[:2]
    assert len(supervisor.logs("ended with exit code 3")) == 1
    assert supervisor.process.poll() is None


def test_a_call_that_kills_each_of_its_workers_is_buried_as_poison_and_the_others_are_made(workshop: Workshop) -> None:
    poison = ayl.opts(priority=5, failed_job_count=1).send(chores.die, workshop.folder, "died")
    others = [ayl.send(chores.note, workshop.folder, f"note-{number}") for number in range(5)]
    supervisor = workshop.workers(workers=2)
    workshop.await_gone(*(other.job_id for other in others))
    supervisor.awaits("3 kills, now job \\d+\\) buried: poison, it has killed its worker 3 times$")
    job = workshop.await_state(poison.job_id, "buried")
    assert job["pri"] == 5
    assert workshop.life(job["id"]) == Life(0, 3, "poison, it has killed its worker 3 times")
    assert workshop.words().count("died") == 3
    supervisor.awaits("was killed by SIGKILL", 3)

    workshop.client.kick(1)  # an operator gives it one more chance
    supervisor.awaits("buried: poison, it has killed its worker 4 times$")
    assert workshop.words().count("died") == 4


def test_a_call_whose_workers_were_killed_has_all_its_tries_left(workshop: Workshop) -> None:
    supervisor = workshop.workers()
    sent = ayl.opts(failed_job_count=2, failed_job_delay=0).send(chores.fail_late, workshop.folder, "held")
    os.kill(workshop.read("held-begins").pid, signal.SIGKILL)
    workshop.await_gone(sent.job_id)
    assert supervisor.logs("comes back") == []
    assert workshop.words() == ["held-begins", "held-again"]


def test_what_is_in_hand_with_a_call_that_kills_is_not_blamed_for_it(workshop: Workshop) -> None:
    notes = [(chores.note, workshop.folder, f"note-{number}") for number in range(60)]
    ayl.send_many([*notes[:40], (chores.die, workshop.folder, "died"), *notes[40:]])
    supervisor = workshop.workers()
    supervisor.awaits("buried: poison, it has killed its worker 3 times$")
    workshop.await_jobs("ready", 0)
    workshop.await_jobs("reserved", 0)
    workshop.await_jobs("buried", 1)
    assert set(workshop.words()) == {"died", *(note[2] for note in notes)}
    assert workshop.words().count("died") == 3
    assert len(supervisor.logs("buried:")) == 1


def slow_neighbours(workshop: Workshop, chore: Callable[..., object], number: int) -> list[str]:
    """A call that kills, and others that run beside it for as long as it takes; what they write."""
    words = [f"slow-{each}" for each in range(number)]
    ayl.send_many([(chores.die, workshop.folder, "died"), *((chore, workshop.folder, word, 0.3) for word in words)])
    return words


@each_way(
    "slots, chore",
    {
        "threads": (("--threads", "4"), chores.sleep_on),
        "coroutines": (("--threads", "0", "--coroutines", "4"), chores.nap),
        "both": (("--threads", "2", "--coroutines", "2"), chores.nap),
    },
)
def test_what_runs_beside_a_call_that_kills_is_never_blamed_and_the_call_is_after_three_kills(
    workshop: Workshop, slots: tuple[str, ...], chore: Callable[..., object]
) -> None:
    words = slow_neighbours(workshop, chore, 6)
    supervisor = workshop.workers(*slots)
    supervisor.awaits("buried: poison, it has killed its worker 3 times$")
    for word in words:
        workshop.read(word)
    assert workshop.words().count("died") in {
        3,
        4,
    }  # one that is by chance alone from the second time on needs no third
    assert len(supervisor.logs("buried:")) == 1


def test_a_call_that_cannot_be_alone_for_long_calls_beside_it_is_made_all_the_same(our_workshop: Workshop) -> None:
    workshop = our_workshop
    suspect = ayl.opts(time_to_run=4).send(chores.note, workshop.folder, "done")
    workshop.suspect(3)  # until the other one runs
    held = ayl.send(chores.hold, workshop.folder, "held")
    supervisor = workshop.workers("--threads", "2")
    workshop.read("held-begins")
    workshop.client.kick(1)
    workshop.await_gone(suspect.job_id)
    assert workshop.job(held.job_id)["state"] == "reserved"
    workshop.let_go("held")
    supervisor.gets(signal.SIGTERM)
    assert supervisor.wait() == 0


def test_a_crash_in_c_code_tells_where_it_came_from(our_workshop: Workshop) -> None:
    supervisor = our_workshop.workers()
    ayl.send(chores.hold_first, our_workshop.folder, "crashing")
    os.kill(our_workshop.read("crashing-begins").pid, signal.SIGSEGV)
    supervisor.awaits(r"was killed by SIGSEGV; at most \d+ MB of it were in memory")
    assert supervisor.logs("Fatal Python error: Segmentation fault")
    assert supervisor.logs(r'File ".*chores.*.py", line \d+ in hold')
    our_workshop.read("crashing-again")
