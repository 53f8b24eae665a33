"""An idle worker and its supervisor are small: what has to stand there for days has loaded nothing that it can do
without.
"""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

from tests.processes.deadline import eventually
from tests.test_architecture import within
from tests.test_imports import FRAMEWORKS, HEAVY

from .workshop import message

if TYPE_CHECKING:
    from .workshop import Workshop

APP = """
import ayl

@ayl.task
def note(path: str, text: str) -> None:
    with open(path, "w") as file:
        file.write(text)
"""

TELLS = """
import atexit, os, sys

@atexit.register
def tell():
    with open(f"{os.environ['TOLD']}/{os.getpid()}", "w") as file:
        file.write("\\n".join(sys.modules))
"""
"""As Python's `sitecustomize`: every process tells what it has loaded when it ends."""


TOO_MUCH = FRAMEWORKS | {
    "ayl.cli", "ayl.engines.beanstalk", "ayl.engines.fallback", "ayl.engines.several", "ayl.engines.spool.store",
    "ayl.loops", "ayl.notifications", "ayl.worker.changes", "ayl.worker.inquiries", "ayl.worker.pool",
    "ayl.worker.relay", "ctypes", "encodings.idna", "ipaddress", "queue", "unicodedata",
}  # fmt: skip
"""What only some apps, errors or options need."""

NEEDED = {"decimal", "greenstalk", "json", "logging", "msgspec", "socket", "uuid"}
"""By a worker."""

SUPERVISING = {
    "charge", "deadlines", "exits", "farewell", "journal", "line", "overruns", "proctitle", "restarts", "signals",
}  # fmt: skip
"""Modules of `ayl.worker`, besides the supervisor itself, which Python calls `__main__`."""


def loaded(workshop: Workshop) -> dict[int, set[str]]:
    """By their pids, what a supervisor and its worker had loaded at their end, after a call."""
    folder = workshop.folder
    (folder / "app.py").write_text(APP)
    (folder / "sitecustomize.py").write_text(TELLS)
    (folder / "told").mkdir()
    supervisor = workshop.command(
        *("--require", "app", "--app-path", str(folder)),
        AYL_APP="chores",
        AYL_VERSION=workshop.version,
        AYL_ENGINE=workshop.server.url,
        AYL_SPOOL=str(folder / "spool"),
        PYTHONPATH=f"{folder}{os.pathsep}{os.environ.get('PYTHONPATH', '')}",
        TOLD=str(folder / "told"),
    )
    workshop.put(message(do="app.note", args=[str(folder / "noted"), "well"]))
    eventually((folder / "noted").exists, workshop.told)
    workshop.await_empty()
    supervisor.gets(signal.SIGTERM)
    assert supervisor.wait() == 0, workshop.told()
    told = {int(path.name): {*path.read_text().split("\n")} for path in (folder / "told").iterdir()}
    assert told.keys() == {supervisor.process.pid, *supervisor.started()}
    return told


def test_neither_has_loaded_what_it_does_not_need(our_workshop: Workshop) -> None:
    by_pid = loaded(our_workshop)
    modules = by_pid.pop(our_workshop.supervisors[0].process.pid)
    assert sorted(modules & (HEAVY - {"socket"} | TOO_MUCH | {"inspect", "re", "threading", "typing", "zlib"})) == []
    ours = {name for name in modules if within(name, "ayl")}
    assert ours == {"ayl", "ayl.forks", "ayl.worker", *(f"ayl.worker.{name}" for name in SUPERVISING)}

    (modules,) = by_pid.values()
    assert sorted(modules & (HEAVY - NEEDED | TOO_MUCH)) == []
