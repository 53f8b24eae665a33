"""The log of a worker says of each line from which call it comes, in whatever kind of slot that runs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

import ayl

from .app import chores

if TYPE_CHECKING:
    from .workshop import Supervisor, Workshop

KINDS = pytest.mark.parametrize(
    "words",
    [(), ("--threads", "2"), ("--threads", "0", "--coroutines", "2")],
    ids=["the main thread", "threads", "coroutines"],
)


def said(supervisor: Supervisor, text: str) -> str:
    """What stands before this text in its line, behind the worker's name."""
    supervisor.awaits(rf"{text}$")
    (line,) = supervisor.logs(rf"\b{text}$")
    found = re.search(rf"ayl_worker\[\d+\] (.*){text}$", line)
    assert found
    return found[1]


@KINDS
def test_what_a_call_logs_has_its_id_wherever_it_runs(our_workshop: Workshop, words: tuple[str, ...]) -> None:
    supervisor = our_workshop.workers(*words)
    plain = ayl.send(chores.remark, "plain")
    coroutine = ayl.send(chores.remark_later, "coroutine")
    our_workshop.await_gone(plain.job_id, coroutine.job_id)
    assert said(supervisor, "plain") == f"{plain.id}: "
    for text in ("coroutine", "coroutine in a task", "coroutine in a thread"):
        assert said(supervisor, text) == f"{coroutine.id}: "


def test_what_no_call_logs_has_none(our_workshop: Workshop) -> None:
    supervisor = our_workshop.workers()
    ayl.send(chores.remark, "plain")
    assert said(supervisor, "plain aside") == ""  # a thread of the call's own, which is not the call
    assert said(supervisor, f"takes jobs from {our_workshop.tube}") == ""


def test_how_a_call_ended_is_told_with_its_id(our_workshop: Workshop) -> None:
    supervisor = our_workshop.workers("--log-level", "debug")
    failed = ayl.opts(failed_job_handler="bury").send(chores.fail_late, our_workshop.folder, "late")
    our_workshop.let_go("late")
    well = ayl.send(chores.remark, "plain")
    supervisor.awaits(rf"{failed.id}: job \d+ chores\.fail_late\(.*\) failed after")
    supervisor.awaits(rf"{failed.id}: job \d+ chores\.fail_late\(.*buried: ValueError: too late$")
    supervisor.awaits(rf"{well.id}: job \d+ chores\.remark\('plain'\) done in")
