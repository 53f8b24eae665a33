"""A worker has a name, a pid file that no two can hold, and tells its app where it runs: as Ruby's ayl_worker does."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

import ayl
from ayl.pidfiles import holder
from tests.processes.deadline import eventually

from .app import chores
from .test_titles import awaits_title

if TYPE_CHECKING:
    from pathlib import Path

    from .workshop import Workshop

STARTED_NOT = 78


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "run"
    made.mkdir()
    return made


# The pid file


def test_the_file_is_held_as_long_as_it_runs_and_then_removed(our_workshop: Workshop, folder: Path) -> None:
    supervisor = our_workshop.workers("--pid-path", str(folder))
    path = folder / "ayl_worker.pid"
    assert path.read_text() == f"{supervisor.process.pid}\n"
    assert holder(str(path)) == supervisor.process.pid
    supervisor.gets(signal.SIGTERM)
    assert supervisor.wait() == 0
    assert [*folder.iterdir()] == []


def test_it_is_called_as_the_worker_is_or_as_it_is_said(our_workshop: Workshop, folder: Path) -> None:
    our_workshop.workers("--name", "shop.mails", "-p", str(folder))
    our_workshop.workers("-n", "other", "-p", "run/mine.pid")
    our_workshop.workers(AYL_WORKER_NAME="third", AYL_WORKER_PID_PATH="run")
    assert sorted(path.name for path in folder.iterdir()) == ["mine.pid", "shop.mails.pid", "third.pid"]


def test_a_second_worker_with_the_same_file_is_refused(our_workshop: Workshop, folder: Path) -> None:
    first = our_workshop.workers("--pid-path", str(folder))
    second = our_workshop.workers("--pid-path", str(folder), await_start=False)
    assert second.wait() == STARTED_NOT
    path = folder / "ayl_worker.pid"
    (line,) = second.logs("")
    assert line.endswith(
        f"{path} is held by process {first.process.pid}: that worker runs already, or this one needs another --name"
    )
    assert path.read_text() == f"{first.process.pid}\n"


def test_a_killed_worker_leaves_a_file_that_stands_in_nobodys_way(our_workshop: Workshop, folder: Path) -> None:
    first = our_workshop.workers("--pid-path", str(folder))
    first.process.kill()
    first.process.wait()
    assert (folder / "ayl_worker.pid").exists()
    second = our_workshop.workers("--pid-path", str(folder))
    assert holder(str(folder / "ayl_worker.pid")) == second.process.pid


def test_a_file_with_the_number_of_another_process_is_not_believed(our_workshop: Workshop, folder: Path) -> None:
    path = folder / "ayl_worker.pid"
    path.write_text(f"{os.getpid()}\n")
    supervisor = our_workshop.workers("--pid-path", str(folder))
    assert path.read_text() == f"{supervisor.process.pid}\n"


def test_no_worker_process_holds_the_file(our_workshop: Workshop, folder: Path) -> None:
    supervisor = our_workshop.workers("--pid-path", str(folder), "--processes", "1")
    ayl.send(chores.hold, our_workshop.folder, "held")
    our_workshop.read("held-begins")
    supervisor.process.kill()
    supervisor.process.wait()
    assert holder(str(folder / "ayl_worker.pid")) is None


def test_it_is_removed_also_when_the_app_cannot_be_loaded(our_workshop: Workshop, folder: Path) -> None:
    supervisor = our_workshop.workers("--pid-path", str(folder), "--require", "nowhere", await_start=False)
    assert supervisor.wait() == STARTED_NOT
    assert [*folder.iterdir()] == []


def test_what_is_no_file_is_refused_and_left_alone(our_workshop: Workshop, folder: Path) -> None:
    (folder / "link.pid").symlink_to("precious")
    os.mkfifo(folder / "pipe.pid")
    for name in ("link.pid", "pipe.pid", "no/such.pid"):
        supervisor = our_workshop.workers("--pid-path", str(folder / name), await_start=False)
        assert supervisor.wait() == STARTED_NOT
        assert len(supervisor.logs(f"cannot hold the pid file {folder / name}: ")) == 1
    assert sorted(path.name for path in folder.iterdir()) == ["link.pid", "pipe.pid"]


# The name


def test_logs_and_titles_have_the_name(our_workshop: Workshop) -> None:
    supervisor = our_workshop.workers("--name", "mails", "--processes", "1", "--threads", "1")
    (pid,) = supervisor.started()
    awaits_title(our_workshop, supervisor.process.pid, f"ayl_worker mails: {our_workshop.tube} (1 worker)")
    ayl.send(chores.hold, our_workshop.folder, "held")
    maker = our_workshop.read("held-begins").pid
    awaits_title(our_workshop, maker, f"ayl_worker mails: chores.hold({our_workshop.folder!r}, 'held')")
    our_workshop.let_go("held")
    assert supervisor.logs(rf" INFO mails\[{supervisor.process.pid}\] started worker {pid}$")
    assert supervisor.logs(rf" INFO mails\[{pid}\] takes jobs from ")
    assert not supervisor.logs(r"ayl_worker\[")


# The environment


def test_the_app_finds_what_its_environment_is_called(our_workshop: Workshop) -> None:
    our_workshop.workers("--environment", "staging", AYL_ENVIRONMENT="production")
    ayl.send(chores.tell_variable, our_workshop.folder, "AYL_ENVIRONMENT")
    our_workshop.read("AYL_ENVIRONMENT=staging")


def test_without_the_option_it_is_what_it_was(our_workshop: Workshop) -> None:
    our_workshop.workers(AYL_ENVIRONMENT="production")
    ayl.send(chores.tell_variable, our_workshop.folder, "AYL_ENVIRONMENT")
    our_workshop.read("AYL_ENVIRONMENT=production")


def test_rubys_short_options_are_understood(our_workshop: Workshop, folder: Path) -> None:
    words = (
        "-t",
        our_workshop.tube,
        "-e",
        "staging",
        "-a",
        str(folder),
        "-c",
        "town",
        "-p",
        str(folder),
        "-n",
        "mails",
    )
    (folder / "town.py").write_text("import os\nprint('loaded in', os.environ['AYL_ENVIRONMENT'], flush=True)\n")
    supervisor = our_workshop.command(*words, AYL_APP="chores", AYL_ENGINE=our_workshop.server.url)
    eventually(lambda: "loaded in staging" in supervisor.log(), supervisor.log)
    assert (folder / "mails.pid").exists()
