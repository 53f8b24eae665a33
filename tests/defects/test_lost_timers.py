"""D1, D6: a job whose worker hangs comes back when its time to run is over, and whoever gets it is told so."""

from __future__ import annotations

import signal
import time
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.crashes.wire import Wire, report
from tests.processes.deadline import PATIENCE, eventually
from tests.processes.servers import serving

from .looks import ORIGINAL, Look, ours, tell

if TYPE_CHECKING:
    from pathlib import Path

    from tests.processes.servers import Kind

WORKERS = 100


@Look
def forgotten_leases(folder: Path, kind: Kind) -> int:
    """How many of many hung workers' jobs stay reserved for ever. Each time to run ends while the server is quiet."""
    with serving(kind, folder, tcp=False) as server, ExitStack() as stack:
        onlooker = stack.enter_context(closing(Wire(server.dial())))
        list(onlooker.ask_all([b"put 0 0 1 0\r\n\r\n"] * WORKERS))
        for _ in range(WORKERS):
            worker = stack.enter_context(closing(Wire(server.dial())))
            assert worker.ask(b"reserve\r\n").word == b"RESERVED"
            time.sleep(0.01)
        # Half a second more is for ever: nothing is left then that could wake the original.
        end = time.monotonic() + (1.5 if kind is ORIGINAL else PATIENCE)
        while time.monotonic() < end:
            time.sleep(0.1)
            left = int(report(onlooker.ask(b"stats\r\n"))["current-jobs-reserved"])
            if not left:
                break
        return left


@ours
def test_the_job_of_a_hung_worker_always_comes_back(kind: Kind) -> None:
    assert forgotten_leases.at(kind) == 0


def test_the_original_forgets_some_jobs_of_hung_workers() -> None:
    tell(f"{forgotten_leases.at(ORIGINAL)} of {WORKERS} jobs stayed reserved on beanstalkd")


@dataclass(frozen=True)
class Stalled:
    """After a server slept over the end of a time to run whose worker had asked for another job."""

    told: bytes
    state: str
    reserves: int
    timeouts: int


@Look
def after_a_stall(folder: Path, kind: Kind) -> Stalled:
    """What the worker was told, and what became of its job."""
    seconds = 3
    with serving(kind, folder, tcp=False) as server, ExitStack() as stack:
        worker, onlooker = (stack.enter_context(closing(Wire(server.dial()))) for _ in range(2))
        worker.ask(b"put 0 0 %d 0\r\n\r\n" % seconds)
        worker.ask(b"reserve\r\n")
        worker.send(b"reserve\r\n")
        eventually(lambda: report(onlooker.ask(b"stats\r\n"))["current-waiting"] == "1")
        server.gets(signal.SIGSTOP)
        time.sleep(seconds + 0.1)
        server.gets(signal.SIGCONT)
        told = worker.answer().word
        job = report(onlooker.ask(b"stats-job 1\r\n"))
        return Stalled(told, job["state"], int(job["reserves"]), int(job["timeouts"]))


@ours
def test_a_worker_holds_no_job_that_it_was_not_given(kind: Kind) -> None:
    seen = after_a_stall.at(kind)
    assert seen in (Stalled(b"DEADLINE_SOON", "ready", 1, 1), Stalled(b"RESERVED", "reserved", 2, 1))


def test_the_original_reserves_a_job_for_a_worker_and_does_not_say_so() -> None:
    assert after_a_stall.at(ORIGINAL) == Stalled(b"DEADLINE_SOON", "reserved", 2, 1)
