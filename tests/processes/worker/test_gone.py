"""A job that names an object which exists no more: tried once more while it is young, then what its class says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ayl
from ayl.failures import GONE_RETRY_SECONDS

from .app.chores import Leaflet, Poster, Shelf, show

if TYPE_CHECKING:
    from pathlib import Path

    from .workshop import Workshop

AGAIN = rf"comes back in {GONE_RETRY_SECONDS} s: chores\.\w+ '.*' exists no more$"
BURIED = r"buried: chores\.\w+ '.*' exists no more$"


def made(path: Path) -> str:
    """The key of a shelf that is there."""
    path.touch()
    return str(path)


def test_a_young_job_whose_object_is_gone_is_tried_once_more_and_buried_then(our_workshop: Workshop) -> None:
    folder = our_workshop.folder
    on = ayl.send(Shelf(str(folder / "a")).label, "x")
    among = ayl.send(show, folder, "x", Shelf(str(folder / "b")))
    supervisor = our_workshop.workers()
    for handle in (on, among):
        job = our_workshop.await_state(handle.job_id, "buried")
        assert (our_workshop.look(handle.job_id), job["buries"]) == (job, 1)
        assert our_workshop.life(job["id"]).tries == 0, "the call was never made"
        for line in (AGAIN, BURIED):
            supervisor.awaits(rf"\bjob {handle.job_id} .*{line}")
    assert our_workshop.diary() == []


def test_an_object_that_is_there_a_moment_later_is_found(workshop: Workshop) -> None:
    path = workshop.folder / "late"
    handle = ayl.send(Shelf(str(path)).label, "found")
    supervisor = workshop.workers()
    supervisor.awaits(AGAIN)
    path.touch()
    workshop.read("found")
    workshop.await_gone(handle.job_id)


def test_a_job_whose_object_may_be_missed_is_deleted_at_once(our_workshop: Workshop) -> None:
    handle = ayl.send(Leaflet(str(our_workshop.folder / "a")).label, "x")
    supervisor = our_workshop.workers()
    supervisor.awaits(rf"job {handle.job_id} .*dropped: chores\.Leaflet '.*' exists no more$")
    our_workshop.await_gone(handle.job_id)
    assert supervisor.logs("comes back") == []
    assert our_workshop.diary() == []


def test_a_call_gets_none_for_an_object_that_it_can_do_without(our_workshop: Workshop) -> None:
    folder = our_workshop.folder
    there, gone = Poster(made(folder / "there")), Poster(str(folder / "gone"))
    handle = ayl.send(show, folder, "seen", gone, there)
    our_workshop.workers()
    our_workshop.read("seen-gone-there")
    our_workshop.await_gone(handle.job_id)


def test_nothing_can_be_called_on_none(our_workshop: Workshop) -> None:
    handle = ayl.send(Poster(str(our_workshop.folder / "a")).label, "x")
    supervisor = our_workshop.workers()
    our_workshop.await_state(handle.job_id, "buried")
    supervisor.awaits("buried: the receiver of chores.Poster.label exists no more, and nothing can be called on None$")


def test_a_store_that_does_not_answer_is_another_matter(our_workshop: Workshop) -> None:
    handle = ayl.send(Leaflet(str(our_workshop.folder / "closed")).label, "x")
    supervisor = our_workshop.workers()
    supervisor.awaits(rf"job {handle.job_id} .*comes back in (6|7)\d s: chores\.Leaflet '.*' cannot be looked for: ")
    assert our_workshop.await_state(handle.job_id, "delayed")["buries"] == 0
