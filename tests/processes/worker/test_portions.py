"""Short calls are taken several at a time, and nobody has to wait for that, and nothing is lost by it."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import ayl

from .app import chores

if TYPE_CHECKING:
    from .workshop import Workshop

MANY = 300
"""So many short calls that a slot comes to take dozens at once."""


def send_many(workshop: Workshop) -> None:
    ayl.send_many((chores.note, workshop.folder, f"short-{number}") for number in range(MANY))


def test_many_short_calls_are_all_made_once_and_in_order(workshop: Workshop) -> None:
    send_many(workshop)
    workshop.workers()
    workshop.read(f"short-{MANY - 1}")
    assert workshop.words() == [f"short-{number}" for number in range(MANY)]
    workshop.await_empty()


def test_what_waits_in_a_hand_behind_a_long_call_is_given_to_another_worker(workshop: Workshop) -> None:
    send_many(workshop)
    ayl.send(chores.hold, workshop.folder, "long")
    send_many(workshop)
    first = workshop.workers()
    holder = workshop.read("long-begins")
    second = workshop.workers()
    workshop.read(f"short-{MANY - 1}", 2)
    assert sorted(workshop.words()) == sorted([f"short-{number}" for number in range(MANY)] * 2 + ["long-begins"])
    assert holder.pid in first.started()
    assert {entry.pid for entry in workshop.diary()} == {*first.started(), *second.started()}
    workshop.await_jobs("reserved", 1)
    workshop.let_go("long")
    workshop.await_empty()


def test_what_waits_in_the_hand_of_a_worker_that_stops_goes_back_and_counts_as_nothing(workshop: Workshop) -> None:
    send_many(workshop)
    ayl.send(chores.hold, workshop.folder, "long")
    send_many(workshop)
    worker = workshop.workers()
    workshop.read("long-begins")
    worker.gets(signal.SIGTERM)
    worker.awaits("stopping")
    workshop.let_go("long")
    assert worker.wait() == 0
    assert workshop.words()[-1] == "long-ends"
    workshop.await_jobs("ready", MANY)
    workshop.await_jobs("reserved", 0)
    workshop.workers()
    workshop.read(f"short-{MANY - 1}", 2)
    workshop.await_empty()


def test_what_was_in_the_hand_of_a_worker_that_is_killed_is_done_by_the_next(workshop: Workshop) -> None:
    send_many(workshop)
    ayl.send(chores.hold_first, workshop.folder, "deadly")
    send_many(workshop)
    workshop.workers()
    os.kill(workshop.read("deadly-begins").pid, signal.SIGKILL)
    workshop.read(f"short-{MANY - 1}", 2)
    workshop.read("deadly-again")
    workshop.await_empty()
    assert {*workshop.words()} == {*(f"short-{number}" for number in range(MANY)), "deadly-begins", "deadly-again"}
