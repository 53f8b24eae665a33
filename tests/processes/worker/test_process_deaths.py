"""A call that ends the process of its slot ends nothing else."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

import ayl
from ayl.life import Life

from .app import chores
from .children import children, held

if TYPE_CHECKING:
    from collections.abc import Callable

    from .workshop import Workshop

SOON = ayl.opts(failed_job_delay=0)


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
    assert supervisor.logs(r'File ".*chores.*.py", line \d+ in crash')


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
    supervisor.awaits("comes back")
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
