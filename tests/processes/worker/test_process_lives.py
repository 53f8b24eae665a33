"""The processes of slots: titles, successors, and those that cannot start."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import ayl

from .app import chores
from .children import children, held
from .test_titles import awaits_title

if TYPE_CHECKING:
    from .workshop import Workshop


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
