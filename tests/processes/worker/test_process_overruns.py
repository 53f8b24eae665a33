"""In process slots, too, a call is ended at its time to run, and has its lease until then."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import ayl
from tests.processes.deadline import for_a_while

from .app import chores
from .children import held
from .test_times_to_run import ONCE, SECONDS, begun, in_time

if TYPE_CHECKING:
    from collections.abc import Callable

    from .workshop import Workshop


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
    worker.awaits(r'File ".*chores.*.py", line \d+ in grip')
    our_workshop.let_go("other")
    assert our_workshop.read("other-ends").pid == other
    assert our_workshop.words().count("long") == 1


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
