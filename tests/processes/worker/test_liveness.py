"""A worker process that cannot go on is replaced; a server that is away is no reason for that."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import ayl
from tests.processes.servers import AYL_SERVER, serving

from .app import chores
from .test_lost_server import UNREACHABLE, restarted
from .workshop import APP_PATH, Workshop

if TYPE_CHECKING:
    from pathlib import Path

    from .workshop import Supervisor

COULD_NOT = r"worker \d+ could not go on$"

IMPATIENT = "from ayl.worker import liveness\nliveness.LEAST_SECONDS, liveness.TIMEOUTS = 1.0, 0\n"
"""A minute is long for a test."""

DEAF = """
import threading
from ayl.engines import source
from pathlib import Path

def connected(self, original=source.BeanstalkSource._connected):
    first = Path("first")
    if Path("armed").exists() and not first.exists():
        first.touch()
        threading.Event().wait()  # as a resolver does that never answers
    return original(self)

source.BeanstalkSource._connected = connected
"""
"""The first connection for jobs never comes about."""

KINDS = pytest.mark.parametrize(
    "words",
    [(), ("--threads", "2"), ("--threads", "0", "--coroutines", "2")],
    ids=["the main thread", "threads", "coroutines"],
)


def started(workshop: Workshop, source: str, *words: str) -> Supervisor:
    load = f"import sys\nsys.path.insert(0, {str(APP_PATH)!r})\nimport chores\n"
    (workshop.folder / "odd.py").write_text(f"{IMPATIENT}{load}{source}")
    known = {"AYL_APP": "chores", "AYL_VERSION": workshop.version, "AYL_ENGINE": workshop.server.url}
    return workshop.command("--require", "odd", *words, **known)


@KINDS
def test_a_slot_that_waits_for_a_server_without_end_takes_its_process_down(
    our_workshop: Workshop, words: tuple[str, ...]
) -> None:
    (our_workshop.folder / "armed").touch()
    supervisor = started(our_workshop, DEAF, *words)
    supervisor.awaits("CRITICAL .* cannot go on: a slot has waited for a server for more than 1 s")
    supervisor.awaits(COULD_NOT)
    assert "most recent call first" in supervisor.log()
    sent = ayl.send(chores.note, our_workshop.folder, "after")
    assert our_workshop.read("after").pid == supervisor.started()[1]
    our_workshop.await_gone(sent.job_id)


def test_what_its_other_slots_run_is_given_back_and_made_again(our_workshop: Workshop) -> None:
    (our_workshop.folder / "armed").touch()
    sent = ayl.send(chores.hold, our_workshop.folder, "held")
    supervisor = started(our_workshop, DEAF, "--threads", "2")
    our_workshop.read("held-begins", 2)
    assert supervisor.logs(COULD_NOT)
    assert our_workshop.job(sent.job_id)["releases"] == 1
    our_workshop.let_go("held")
    our_workshop.await_gone(sent.job_id)


def test_a_thread_of_ours_that_dies_takes_the_process_down(our_workshop: Workshop) -> None:
    mortal = "from ayl.worker.keeper import Keeper\nKeeper._due = lambda self: 1 / 0\n"
    supervisor = started(our_workshop, mortal)
    our_workshop.await_waiting()
    ayl.opts(keep_alive=True, failed_job_count=1).send(chores.hold, our_workshop.folder, "held")
    supervisor.awaits(r"cannot go on: the thread 'ayl keeper' has died \(ZeroDivisionError")
    supervisor.awaits(COULD_NOT)


@KINDS
def test_a_worker_that_waits_or_whose_server_is_away_lives_on(tmp_path: Path, words: tuple[str, ...]) -> None:
    with serving(AYL_SERVER, tmp_path) as server:
        workshop = Workshop(server, tmp_path)
        try:
            patient = "liveness.LEAST_SECONDS = 3.0\nimport ayl\nayl.configure(timeout=0.25)\n"
            supervisor = started(workshop, patient, *words)
            workshop.await_watched()
            ayl.send(chores.sleep_on, tmp_path, "slept", 4.0)  # longer than a slot may wait for a server
            workshop.read("slept")
            server.kill()
            supervisor.awaits(UNREACHABLE)
            with restarted(AYL_SERVER, tmp_path, server.port) as again:
                workshop.reconnect(again)
                ayl.send(chores.sleep_on, tmp_path, "again", 0.0)
                workshop.read("again")
            assert len(supervisor.started()) == 1
        finally:
            workshop.close()
