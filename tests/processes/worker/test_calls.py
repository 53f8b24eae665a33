"""Calls are made, by as many workers as there are, each once."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import ayl
from tests.processes.deadline import eventually
from tests.processes.servers import serving

from .app import chores
from .workshop import Workshop

if TYPE_CHECKING:
    from pathlib import Path

    from tests.processes.servers import Kind


def test_each_kind_of_call_is_made_and_its_job_deleted(workshop: Workshop) -> None:
    here = workshop.folder
    (here / "shelf").touch()
    shelf = chores.Shelf(str(here / "shelf"))
    sent = [
        ayl.send(chores.note, here, "function"),
        ayl.send(chores.rest, here, "coroutine"),
        ayl.send(shelf.label, "method"),
        ayl.send(chores.Shelf.count, here, "class"),
        ayl.send(chores.Shelf.dust, here, "static"),
        ayl.ayl_send(shelf, "label", word="by-name"),
        ayl.ayl_send([3, 1, 2], "reverse"),
    ]
    workshop.workers()
    workshop.await_gone(*(handle.job_id for handle in sent))
    assert workshop.words() == ["function", "coroutine", "method", "class-Shelf", "static", "by-name"]


def test_five_hundred_calls_are_each_made_once_by_two_workers(workshop: Workshop) -> None:
    supervisor = workshop.workers(workers=2)
    with ayl.batch():
        for number in range(500):
            ayl.send(chores.note, workshop.folder, f"call-{number}")
    eventually(lambda: workshop.client.stats_tube(workshop.tube)["cmd-delete"] == 500, workshop.told)
    assert Counter(workshop.words()) == {f"call-{number}": 1 for number in range(500)}
    assert {entry.pid for entry in workshop.diary()} <= set(supervisor.started())


def test_several_processes_make_calls_at_the_same_time(workshop: Workshop) -> None:
    workshop.workers(workers=3)
    sent = [ayl.send(chores.hold, workshop.folder, word) for word in ("one", "two", "three")]
    workers = {workshop.read(f"{word}-begins").pid for word in ("one", "two", "three")}
    assert len(workers) == 3
    for word in ("one", "two", "three"):
        workshop.let_go(word)
    workshop.await_gone(*(handle.job_id for handle in sent))


def test_two_supervisors_share_one_tube(workshop: Workshop) -> None:
    first, second = workshop.workers(), workshop.workers()
    sent = [ayl.send(chores.hold, workshop.folder, word) for word in ("one", "two")]
    workers = {workshop.read(f"{word}-begins").pid for word in ("one", "two")}
    assert workers == {*first.started(), *second.started()}
    for word in ("one", "two"):
        workshop.let_go(word)
    workshop.await_gone(*(handle.job_id for handle in sent))


def test_the_most_urgent_call_is_made_first(workshop: Workshop) -> None:
    for priority in (900, 20, 2**32 - 1, 0):
        ayl.opts(priority=priority).send(chores.note, workshop.folder, str(priority))
    workshop.workers()
    workshop.read(str(2**32 - 1))
    assert workshop.words() == ["0", "20", "900", str(2**32 - 1)]


def test_a_lane_is_served_by_the_workers_that_are_given_its_tube(workshop: Workshop) -> None:
    plain = ayl.send(chores.note, workshop.folder, "plain")
    slow = ayl.opts(lane="slow").send(chores.note, workshop.folder, "slow")
    workshop.workers("--tube", f"{workshop.tube}/slow")
    workshop.await_gone(slow.job_id)
    assert workshop.words() == ["slow"]
    job = workshop.job(plain.job_id)
    assert (job["state"], job["reserves"]) == ("ready", 0)


def test_a_worker_takes_jobs_from_all_tubes_that_it_is_given(workshop: Workshop) -> None:
    sent = [
        ayl.send(chores.note, workshop.folder, "plain"),
        ayl.opts(lane="slow").send(chores.note, workshop.folder, "slow"),
    ]
    workshop.workers("--tube", workshop.tube, "-t", f"{workshop.tube}/slow")
    workshop.await_gone(*(handle.job_id for handle in sent))
    assert workshop.client.stats_tube("default")["current-waiting"] == 0


def test_a_delayed_call_is_made_after_its_delay(our_workshop: Workshop) -> None:
    our_workshop.workers()
    late = ayl.opts(delay=2).send(chores.note, our_workshop.folder, "late")
    soon = ayl.send(chores.note, our_workshop.folder, "soon")
    our_workshop.await_gone(soon.job_id, late.job_id)
    assert our_workshop.words() == ["soon", "late"]


def test_a_server_on_a_unix_socket_serves_senders_and_workers(kind: Kind, tmp_path: Path) -> None:
    with serving(kind, tmp_path, tcp=False) as server:
        workshop = Workshop(server, tmp_path)
        try:
            sent = ayl.send(chores.note, tmp_path, "by-path")
            workshop.workers()
            workshop.await_gone(sent.job_id)
            assert workshop.words() == ["by-path"]
        finally:
            workshop.close()


def test_a_call_that_uses_signals_of_its_own_leaves_the_worker_in_peace(workshop: Workshop) -> None:
    supervisor = workshop.workers()
    workshop.await_waiting()
    ring = ayl.send(chores.ring, workshop.folder, "ring")
    workshop.await_gone(ring.job_id)
    before = workshop.client.stats()["total-connections"]
    sent = [ayl.send(chores.note, workshop.folder, f"call-{number}") for number in range(20)]
    workshop.await_gone(*(handle.job_id for handle in sent))
    # One that is woken again and again makes a connection for each wait; once is fair.
    assert workshop.client.stats()["total-connections"] <= before + 1
    assert len(supervisor.started()) == 1


def test_a_call_whose_arguments_cannot_be_shown_is_made_once(our_workshop: Workshop) -> None:
    supervisor = our_workshop.workers()
    sent = ayl.send(chores.greet, our_workshop.folder, chores.Shy("hidden"))
    eventually(lambda: our_workshop.gone(sent.job_id) or len(our_workshop.diary()) > 1, our_workshop.told)
    assert our_workshop.words() == ["hidden"]
    assert len(supervisor.started()) == 1
