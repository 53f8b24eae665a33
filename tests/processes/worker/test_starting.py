"""`ayl_worker` is started: what it is told, and by whom."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import TYPE_CHECKING

import ayl

from .app import chores
from .workshop import APP, APP_PATH, Supervisor

if TYPE_CHECKING:
    from .workshop import Workshop


def test_the_help_names_signals_and_exit_codes(our_workshop: Workshop) -> None:
    supervisor = our_workshop.command("--help")
    assert supervisor.wait() == 0
    text = supervisor.log()
    assert "SIGTERM" in text
    assert "78" in text
    assert "AYL_APP" in text
    for option in ("APP_PATH", "REQUIRE", "TUBE", "WORKERS", "LOG_LEVEL"):
        assert f"AYL_WORKER_{option}" in text


def test_every_option_can_be_given_by_the_environment(our_workshop: Workshop) -> None:
    sent = [
        ayl.send(chores.note, our_workshop.folder, "plain"),
        ayl.opts(lane="slow").send(chores.note, our_workshop.folder, "slow"),
    ]
    supervisor = our_workshop.command(
        AYL_WORKER_APP_PATH=str(APP_PATH),
        AYL_WORKER_REQUIRE="chores",
        AYL_WORKER_TUBE=f"{our_workshop.tube} {our_workshop.tube}/slow",
        AYL_WORKER_WORKERS="2",
        AYL_WORKER_LOG_LEVEL="debug",
        AYL_ENGINE=our_workshop.server.url,
    )
    our_workshop.await_gone(*(handle.job_id for handle in sent))
    our_workshop.await_waiting(2)
    assert len(supervisor.started()) == 2
    supervisor.awaits(r" DEBUG .*chores\.note\(.*'slow'\) done in ")


def test_no_worker_gets_what_is_open_in_who_has_started_it(our_workshop: Workshop) -> None:
    def has_open(pid: int, file: Path) -> bool:
        return file in [link.resolve() for link in Path(f"/proc/{pid}/fd").iterdir()]

    words = ("--app-path", str(APP_PATH), "--require", "chores")
    variables = {"AYL_APP": APP, "AYL_VERSION": our_workshop.version, "AYL_ENGINE": our_workshop.server.url}
    folder = our_workshop.folder
    with (folder / "lock").open("w") as lock:
        supervisor = Supervisor(words, variables, folder / "workers.log", folder, (lock.fileno(),))
        our_workshop.supervisors.append(supervisor)
    our_workshop.await_waiting()
    (pid,) = supervisor.started()
    assert has_open(supervisor.process.pid, folder / "lock")
    assert not has_open(pid, folder / "lock")


def test_the_environment_wins_over_the_file(our_workshop: Workshop) -> None:
    (our_workshop.folder / "ayl.toml").write_text(
        f'app = "{APP}"\nversion = "other"\nengine = "{our_workshop.server.url}"'
    )
    (our_workshop.folder / "shop.py").write_text(f"import sys\nsys.path.insert(0, {str(APP_PATH)!r})\nimport chores\n")
    our_workshop.command("--require", "shop", AYL_VERSION=our_workshop.version)
    sent = ayl.send(chores.note, our_workshop.folder, "by-environment")
    our_workshop.await_gone(sent.job_id)


def test_what_the_app_configures_wins_over_the_environment(our_workshop: Workshop) -> None:
    configure = f"ayl.configure(app={APP!r}, version={our_workshop.version!r}, engine={our_workshop.server.url!r})"
    (our_workshop.folder / "shop.py").write_text(
        f"import sys\nsys.path.insert(0, {str(APP_PATH)!r})\nimport ayl, chores\n{configure}\n"
    )
    our_workshop.command(
        "--require", "shop", AYL_VERSION="other", AYL_APP="other", AYL_ENGINE="beanstalk://127.0.0.1:1"
    )
    sent = ayl.send(chores.note, our_workshop.folder, "by-argument")
    our_workshop.await_gone(sent.job_id)


def test_several_modules_may_be_required(our_workshop: Workshop) -> None:
    (our_workshop.folder / "more.py").write_text("import ayl\n@ayl.task('more.shout')\ndef shout(): print('HEY')\n")
    words = ("--require", "more", "--require", "chores", "--app-path", str(APP_PATH))
    supervisor = our_workshop.command(
        *words,
        PYTHONPATH=str(our_workshop.folder),
        AYL_APP=APP,
        AYL_VERSION=our_workshop.version,
        AYL_ENGINE=our_workshop.server.url,
    )
    sent = ayl.send(chores.note, our_workshop.folder, "both")
    our_workshop.await_gone(sent.job_id)
    supervisor.gets(signal.SIGTERM)
    assert supervisor.wait() == 0
