"""What a worker's calls must have ended by, as its supervisor sees it in memory that both have."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ayl.worker.deadlines import TOLD, Deadlines, shared_memory
from ayl.worker.fingerprints import fingerprint

if TYPE_CHECKING:
    from collections.abc import Iterator

NEVER = float("inf")


@contextmanager
def both_sides(rung: list[str]) -> Iterator[tuple[Deadlines, Deadlines]]:
    """Of the worker, and of the supervisor."""
    memory = shared_memory(2)
    worker = Deadlines(2, memory, lambda: rung.append("ring"))
    supervisor = Deadlines(2, memory)
    os.close(memory)
    yield worker, supervisor
    worker.close()
    supervisor.close()


def test_the_supervisor_sees_which_call_is_over_first() -> None:
    with both_sides([]) as (worker, supervisor):
        assert supervisor.nearest(0.0) == NEVER
        first, second = (fingerprint(job, b"a body") for job in (5, 6))
        for slot, job, deadline in ((1, first, 20.0), (2, second, 10.0)):
            worker.begin(slot, job)
            worker.put(slot, deadline)
        assert supervisor.nearest(1.0) == 10.0
        assert [supervisor.over(now) for now in (9.9, 10.0, 20.0)] == [[], [second], [first, second]]
        worker.clear(2)
        assert (supervisor.nearest(10.0), supervisor.over(10.0)) == (20.0, [])
        worker.clear(1)
        assert (supervisor.nearest(20.0), supervisor.over(99.0)) == (NEVER, [])


def test_who_is_over_before_the_supervisor_looks_again_wakes_it_and_nobody_else_does() -> None:
    rung: list[str] = []
    with both_sides(rung) as (worker, supervisor):
        worker.put(1, 10.0)
        assert rung == [], "it has not begun to look: it will see this when it does"
        supervisor.nearest(0.0)
        for deadline in (11.0, 12.0, 13.0):
            worker.clear(1)
            worker.put(1, deadline)
        assert rung == []
        worker.put(2, 9.0)
        assert rung == ["ring"]
        assert supervisor.nearest(1.0) == 9.0


def test_short_calls_that_have_ended_when_the_supervisor_looks_wake_it_once() -> None:
    rung: list[str] = []
    with both_sides(rung) as (worker, supervisor):
        supervisor.nearest(0.0)
        for number in range(5):
            worker.put(1, 100.0 + number)
            worker.clear(1)
            assert supervisor.nearest(1.0 + number) == 100.0
        assert rung == ["ring"]
        assert supervisor.nearest(100.0) == NEVER


def test_of_a_job_that_has_overrun_who_is_handed_it_next_knows() -> None:
    with both_sides([]) as (worker, supervisor):
        job, *others = (fingerprint(*one) for one in [(7, b"long"), (8, b"long"), (7, b"short"), (7 + 2**32, b"short")])
        worker.begin(1, job)
        worker.put(1, 10.0)
        assert not worker.has_overrun(job)
        supervisor.tell(supervisor.over(10.0))
        assert worker.knows_overruns
        assert worker.has_overrun(job)
        assert not any(worker.has_overrun(other) for other in others)


def test_as_many_jobs_that_have_overrun_are_remembered_as_there_is_room_for() -> None:
    with both_sides([]) as (worker, supervisor):
        supervisor.tell(range(1, TOLD + 4))
        assert [job for job in range(1, TOLD + 5) if worker.has_overrun(job)] == [*range(4, TOLD + 4)]
        assert supervisor.nearest(0.0) == NEVER
