"""--reload: workers are restarted when the app's code has changed."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import ayl
from tests.processes.deadline import for_a_while

from .workshop import APP_PATH

if TYPE_CHECKING:
    from .workshop import Supervisor, Workshop

LOAD = f"import sys\nsys.path.insert(0, {str(APP_PATH)!r})\nimport chores\n"

BROKEN = "def oops(:\n"


def write(workshop: Workshop, source: str, name: str = "fresh.py") -> None:
    """As editors do: all at once."""
    new = workshop.folder / f"{name}~"
    new.write_text(source)
    new.replace(workshop.folder / name)


def started(workshop: Workshop, source: str, *words: str) -> Supervisor:
    write(workshop, source)
    known = {"AYL_APP": "chores", "AYL_VERSION": workshop.version, "AYL_ENGINE": workshop.server.url}
    return workshop.command("--require", "fresh", "--reload", *words, **known)


def task(word: str) -> str:
    """An app whose only task writes this word."""
    return f"{LOAD}import ayl\n@ayl.task('fresh.say')\ndef say(folder): chores.write(folder, '{word}')\n"


@ayl.task("fresh.say")
def say(folder: object) -> None:
    """As the tests know it."""


def test_changed_code_is_what_is_called_from_then_on(our_workshop: Workshop) -> None:
    supervisor = started(our_workshop, task("old"))
    our_workshop.await_waiting()
    ayl.send(say, our_workshop.folder)
    old = our_workshop.read("old")
    write(our_workshop, task("renewed"))
    supervisor.awaits(r"INFO .* fresh\.py has changed$")
    supervisor.awaits(f"worker {old.pid} ended$")
    ayl.send(say, our_workshop.folder)
    assert our_workshop.read("renewed").pid != old.pid
    assert our_workshop.words() == ["old", "renewed"]


def test_code_that_cannot_be_loaded_leaves_the_workers_until_the_next_change(our_workshop: Workshop) -> None:
    supervisor = started(our_workshop, task("old"))
    our_workshop.await_waiting()
    write(our_workshop, BROKEN)
    supervisor.awaits("failed to take the place of worker")
    supervisor.awaits("SyntaxError")
    ayl.send(say, our_workshop.folder)
    our_workshop.read("old")
    write(our_workshop, task("mended"))
    supervisor.awaits("takes the place of")
    supervisor.awaits("ended$")
    ayl.send(say, our_workshop.folder)
    our_workshop.read("mended")


def test_a_worker_that_cannot_start_waits_for_the_change_that_mends_it(our_workshop: Workshop) -> None:
    supervisor = started(our_workshop, BROKEN)
    supervisor.awaits("waiting for the code to change$")
    write(our_workshop, BROKEN + "# still\n")
    supervisor.awaits("waiting for the code to change$", 2)
    assert supervisor.process.poll() is None
    write(our_workshop, task("mended"))
    our_workshop.await_waiting()
    ayl.send(say, our_workshop.folder)
    our_workshop.read("mended")


def test_a_worker_that_waits_for_a_change_can_be_stopped(our_workshop: Workshop) -> None:
    supervisor = started(our_workshop, BROKEN)
    supervisor.awaits("waiting for the code to change$")
    supervisor.gets(signal.SIGTERM)
    assert supervisor.wait() == 0


def test_what_mends_the_code_while_a_worker_just_fails_to_start_is_not_overlooked(our_workshop: Workshop) -> None:
    folder = f"Path({str(our_workshop.folder)!r})"
    wait = f"{LOAD}from pathlib import Path\nchores.write({folder}, 'loading')\nchores.wait_for({folder} / 'go')\n"
    supervisor = started(our_workshop, task("old"))
    our_workshop.await_waiting()
    write(our_workshop, f"{wait}raise ValueError('broken')\n")
    our_workshop.read("loading")
    write(our_workshop, task("mended"))
    supervisor.awaits("has changed$", 2)
    our_workshop.let_go("go")
    supervisor.awaits("takes the place of")
    supervisor.awaits("ended$")
    ayl.send(say, our_workshop.folder)
    our_workshop.read("mended")


def test_other_files_are_let_alone_and_settings_are_not(our_workshop: Workshop) -> None:
    supervisor = started(our_workshop, task("old"))
    our_workshop.await_waiting()
    (our_workshop.folder / "notes.txt").write_text("nothing")
    (our_workshop.folder / ".venv").mkdir()
    (our_workshop.folder / ".venv" / "x.py").write_text("")
    for_a_while(0.5, lambda: None)
    assert len(supervisor.started()) == 1
    write(our_workshop, "timeout = 5\n", "ayl.toml")
    supervisor.awaits(r"ayl\.toml has changed$")
    supervisor.awaits("takes the place of")


def test_without_the_library_it_is_refused_with_the_cure(our_workshop: Workshop) -> None:
    (our_workshop.folder / "hidden" / "watchfiles").mkdir(parents=True)
    (our_workshop.folder / "hidden" / "watchfiles" / "__init__.py").write_text("raise ImportError('not installed')")
    path = os.pathsep.join([str(our_workshop.folder / "hidden"), os.environ.get("PYTHONPATH", "")])
    supervisor = our_workshop.command("--require", "fresh", "--reload", PYTHONPATH=path)
    assert supervisor.wait() == 2
    assert 'it needs the library watchfiles: pip install "ayl[reload]"' in supervisor.log()
