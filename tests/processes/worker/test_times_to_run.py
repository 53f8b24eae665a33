"""A call is ended at its time to run, whatever it does then, and before another worker could have it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

import ayl
from tests.processes.deadline import for_a_while

from .app import chores
from .workshop import message

if TYPE_CHECKING:
    from collections.abc import Callable

    from .workshop import Workshop

SECONDS = 2
"""A time to run."""

LATE = 2.0
"""Seconds after it, when the call must have ended."""

ONCE = ayl.opts(time_to_run=SECONDS, failed_job_count=1)


def begun(workshop: Workshop, word: str) -> float:
    """When the call began, at the latest."""
    workshop.read(word)
    return time.monotonic()


def in_time(since: float) -> bool:
    return time.monotonic() < since + SECONDS + LATE


@pytest.mark.parametrize("chore", [chores.spin, chores.slumber], ids=["a thread", "a coroutine"])
def test_a_call_that_can_be_interrupted_fails_and_its_worker_goes_on(
    our_workshop: Workshop, chore: Callable[..., object]
) -> None:
    worker = our_workshop.workers()
    ONCE.send(chore, our_workshop.folder, "long")
    since = begun(our_workshop, "long")
    our_workshop.await_jobs("buried", 1)
    assert in_time(since)
    worker.awaits(r"buried: TimeToRunExceeded")
    ayl.send(chores.note, our_workshop.folder, "next")
    assert our_workshop.read("next").pid == our_workshop.read("long").pid
    assert our_workshop.client.stats_tube(our_workshop.tube)["total-jobs"] == 3  # the first, buried anew, and the next


@pytest.mark.parametrize("chore", [chores.doze, chores.defy], ids=["C code", "code that defies exceptions"])
def test_a_call_that_cannot_be_interrupted_fails_too_and_its_process_is_replaced(
    our_workshop: Workshop, chore: Callable[..., object]
) -> None:
    worker = our_workshop.workers()
    ONCE.send(chore, our_workshop.folder, "long")
    since = begun(our_workshop, "long")
    our_workshop.await_jobs("buried", 1)
    assert in_time(since)
    worker.awaits(r"cannot be interrupted, so this process ends: the call took longer than 2 s")
    worker.awaits(r"buried: TimeToRunExceeded")
    worker.awaits(r"ended for a call that overran")
    worker.awaits(rf'File ".*chores.*.py", line \d+ in {chore.__name__}')
    ayl.send(chores.note, our_workshop.folder, "next")
    our_workshop.read("next")
    assert our_workshop.words() == ["long", "next"]


def test_what_calls_have_printed_before_is_not_lost_with_a_process_that_ends_for_one(our_workshop: Workshop) -> None:
    worker = our_workshop.workers(PYTHONUNBUFFERED="")
    ayl.send(chores.mutter, our_workshop.folder, "muttered")
    ONCE.send(chores.doze, our_workshop.folder, "long")
    worker.awaits(r"ended for a call that overran")
    assert worker.logs("^muttered$") == ["muttered"]


@pytest.mark.parametrize("how", chores.GRIPS)
def test_a_process_whose_call_holds_the_interpreter_lock_is_killed_and_the_call_fails_as_any_other(
    our_workshop: Workshop, how: str
) -> None:
    worker = our_workshop.workers()
    ONCE.send(chores.grip, our_workshop.folder, "long", how)
    since = begun(our_workshop, "long")
    worker.awaits(r"worker \d+ was killed by SIG(ABRT|KILL)")
    assert in_time(since)
    worker.awaits(r"is killed: a call in it cannot be interrupted at its time to run")
    worker.awaits(r'File ".*chores.*.py", line \d+ in grip')
    our_workshop.await_jobs("buried", 1)
    worker.awaits(r"\(try 1 of 1, now job \d+\) buried: TimeToRunExceeded: the call could not be interrupted")
    assert our_workshop.words() == ["long"]


@pytest.mark.parametrize(
    "words", [("--threads", "2"), ("--threads", "0", "--coroutines", "2")], ids=["threads", "coroutines"]
)
def test_another_process_that_takes_the_call_knows_that_it_has_overrun(
    our_workshop: Workshop, words: tuple[str, ...]
) -> None:
    worker = our_workshop.workers(*words, workers=2)
    sent = ayl.opts(time_to_run=SECONDS, failed_job_count=2, failed_job_delay=0).send(
        chores.grip, our_workshop.folder, "long", "C code"
    )
    worker.awaits(r"\(try 1 of 2, now job \d+\) comes back in 0 s: TimeToRunExceeded: the call could not be")
    our_workshop.await_gone(sent.job_id)
    assert our_workshop.words() == ["long", "long"]


def test_a_call_of_which_its_sender_does_not_tell_has_the_time_to_run_of_its_job(our_workshop: Workshop) -> None:
    worker = our_workshop.workers()
    body = message(do="chores.spin", args=[{"$t": ["Path", str(our_workshop.folder)]}, "long"], failed_job_count=1)
    our_workshop.client.put(body, ttr=SECONDS)
    since = begun(our_workshop, "long")
    our_workshop.await_jobs("buried", 1)
    assert in_time(since)
    worker.awaits("buried: TimeToRunExceeded: the call took longer than 2 s")


def test_a_call_that_is_kept_alive_takes_as_long_as_it_likes(our_workshop: Workshop) -> None:
    our_workshop.workers()
    sent = ayl.opts(time_to_run=1, keep_alive=True).send(chores.hold, our_workshop.folder, "long")
    our_workshop.read("long-begins")
    for_a_while(2.5, lambda: our_workshop.await_state(sent.job_id, "reserved"))
    assert our_workshop.job(sent.job_id)["timeouts"] == 0
    our_workshop.let_go("long")
    our_workshop.await_empty()
    assert our_workshop.words() == ["long-begins", "long-ends"]


def test_a_call_that_is_kept_alive_ends_at_its_time_limit(our_workshop: Workshop) -> None:
    worker = our_workshop.workers()
    ayl.opts(time_to_run=1, failed_job_count=1).send(chores.strive, our_workshop.folder, "long")
    since = begun(our_workshop, "long-begins")
    our_workshop.await_jobs("buried", 1)
    assert 1.5 < time.monotonic() - since < SECONDS + LATE
    worker.awaits("buried: TimeToRunExceeded: the call took longer than 2 s, which is its time limit")


def test_a_call_may_buy_time_by_itself(our_workshop: Workshop) -> None:
    worker = our_workshop.workers("--log-level", "DEBUG")
    ONCE.send(chores.persist, our_workshop.folder, "done")
    our_workshop.read("done")
    our_workshop.await_empty()
    worker.awaits(r"job \d+: 80%")


def test_a_call_whose_lease_is_lost_is_ended_as_soon_as_that_is_seen(our_workshop: Workshop) -> None:
    """Its sender says more than its job has, as after a migration."""
    worker = our_workshop.workers()
    folder = {"$t": ["Path", str(our_workshop.folder)]}
    body = message(do="chores.hold", args=[folder, "long"], time_to_run=6, keep_alive=True)
    lost = our_workshop.client.put(body, ttr=1)
    our_workshop.read("long-begins")
    our_workshop.await_state(lost, "ready")
    our_workshop.client.delete(lost)
    worker.awaits("the job was no longer ours")
    worker.awaits("TimeToRunExceeded: its lease is lost")
    assert our_workshop.words() == ["long-begins"]
    our_workshop.await_empty()
