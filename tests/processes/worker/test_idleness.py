"""A worker that waits uses no processor."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.processes.deadline import eventually

if TYPE_CHECKING:
    from .workshop import Workshop

SECONDS = 2.0

IDLE = {
    "one slot": (),
    "threads and coroutines": ("--threads", "4", "--coroutines", "100"),
    "processes": ("--processes", "2"),
    "tubes with a star": ("--tube", "{tube}*"),
    "limits": ("--max-time", "1000", "--max-memory", "1g"),
}


SLOTS = {"threads and coroutines": 5, "processes": 2}
"""That wait, each by a connection of its own; of coroutines one does so for all."""


def processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.parametrize("kind", IDLE)
def test_a_worker_that_waits_and_its_supervisor_use_no_processor(our_workshop: Workshop, kind: str) -> None:
    supervisor = our_workshop.workers(*(word.format(tube=our_workshop.tube) for word in IDLE[kind]))
    our_workshop.await_waiting(SLOTS.get(kind, 1))
    pids = supervisor.left_behind()

    def used() -> float:
        before = sum(map(processor_seconds, pids))
        time.sleep(SECONDS)
        return sum(map(processor_seconds, pids)) - before

    time.sleep(0.5)  # what follows the first reserve; on a busy machine it takes longer
    eventually(lambda: used() <= 0.02, supervisor.log)
    assert len(pids) == (4 if kind == "processes" else 2)
