"""A worker that is given tubes with `*` takes from all that match, also from those that come later."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import ayl

from .app import chores

if TYPE_CHECKING:
    from .workshop import Workshop

SLOTS = pytest.mark.parametrize(
    "words", [(), ("--processes", "2"), ("--coroutines", "2")], ids=["thread", "processes", "coroutines"]
)


@SLOTS
def test_lanes_that_are_there_and_those_that_come_later_are_served(workshop: Workshop, words: tuple[str, ...]) -> None:
    before = ayl.opts(lane="before").send(chores.note, workshop.folder, "before")
    other = ayl.send(chores.note, workshop.folder, "not-a-lane")
    senders = workshop.client.stats_tube("default")["current-watching"]
    supervisor = workshop.workers("--tube", f"{workshop.tube}/*", *words)
    workshop.await_gone(before.job_id)
    later = ayl.opts(lane="later").send(chores.note, workshop.folder, "later")
    workshop.await_gone(later.job_id)
    assert workshop.job(other.job_id)["reserves"] == 0
    assert supervisor.logs(r"takes jobs from \S+/\*$")
    assert workshop.client.stats_tube("default")["current-watching"] == senders
