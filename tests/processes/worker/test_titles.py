"""With setproctitle, `ps` shows what the processes of a worker do."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import ayl
from ayl import admin
from tests.processes.deadline import eventually

from .app import chores

if TYPE_CHECKING:
    from .workshop import Workshop


def title(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_text().rstrip("\0 ")


def awaits_title(workshop: Workshop, pid: int, expected: str) -> None:
    eventually(lambda: title(pid) == expected, lambda: f"{title(pid)!r}, not {expected!r}; {workshop.told()}")


def test_the_supervisor_tells_its_tubes_and_workers(our_workshop: Workshop) -> None:
    supervisor = our_workshop.workers(workers=2)
    our_workshop.await_waiting(2)
    awaits_title(our_workshop, supervisor.process.pid, f"ayl_worker: {our_workshop.tube} (2 workers)")
    ayl.send(chores.hold, our_workshop.folder, "held")
    our_workshop.read("held-begins")
    admin.kill_worker(our_workshop.address, our_workshop.tube)
    awaits_title(our_workshop, supervisor.process.pid, f"ayl_worker: {our_workshop.tube} (1 worker)")
    our_workshop.let_go("held")


def test_a_worker_tells_its_call_and_that_it_has_none(our_workshop: Workshop) -> None:
    supervisor = our_workshop.workers()
    (pid,) = supervisor.started()
    awaits_title(our_workshop, pid, "ayl_worker: idle")
    for word in ("one", "two"):  # once more, after it was idle
        ayl.send(chores.hold, our_workshop.folder, word)
        awaits_title(our_workshop, pid, f"ayl_worker: chores.hold({our_workshop.folder!r}, '{word}')")
        our_workshop.let_go(word)
        awaits_title(our_workshop, pid, "ayl_worker: idle")


def test_of_several_calls_the_longest_is_told_and_a_long_one_is_cut(our_workshop: Workshop) -> None:
    supervisor = our_workshop.workers("--threads", "2")
    (pid,) = supervisor.started()
    long = "x" * 300
    ayl.send(chores.hold, our_workshop.folder, long[:200])
    our_workshop.read(f"{long[:200]}-begins")
    ayl.send(chores.hold, our_workshop.folder, "two")
    text = f"chores.hold({our_workshop.folder!r}, '{long}"[:200]
    awaits_title(our_workshop, pid, f"ayl_worker: 2 calls, {text}…")
    our_workshop.let_go(long[:200])
    awaits_title(our_workshop, pid, f"ayl_worker: chores.hold({our_workshop.folder!r}, 'two')")
    our_workshop.let_go("two")
