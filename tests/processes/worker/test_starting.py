"""`ayl_worker` is started: what it is told, by whom, and what becomes of a start that makes no sense."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

import ayl
from tests.processes.deadline import eventually

from .app import chores
from .workshop import APP, APP_PATH

if TYPE_CHECKING:
    from .workshop import Supervisor, Workshop

CANNOT_START = 78
WRONG_USAGE = 2


MODULES = {
    "a module that does not exist": ("", "nowhere", "No module named 'nowhere'"),
    "a module of a package that does not exist": ("", "app.nowhere", "No module named 'app"),
    "a syntax error": ("def f(:\n", "app", "SyntaxError"),
    "an error at import": ("1 / 0\n", "app", "ZeroDivisionError"),
    "a missing module": ("import nowhere_at_all\n", "app", "nowhere_at_all"),
    "an exit at import": ("raise SystemExit('set SHOP_DATABASE')\n", "app", "set SHOP_DATABASE"),
    "a good exit at import": ("raise SystemExit(0)\n", "app", "SystemExit"),
    "text that is no Python": ("\0", "app", "null bytes"),
    "a wrong setting in the app": ("import ayl\nayl.configure(app='a b')\n", "app", "app 'a b'"),
    "a wrong declaration in the app": ("import ayl\nayl.task(5)\n", "app", "@ayl.task is for functions"),
}


def refused(supervisor: Supervisor) -> str:
    """The line that says why a start cannot succeed. The exit code is that for it, and nobody tried twice."""
    eventually(lambda: supervisor.process.poll() is not None or len(supervisor.started()) > 1, supervisor.log)
    assert supervisor.process.poll() == CANNOT_START, supervisor.log()
    assert len(supervisor.started()) == 1
    assert supervisor.left_behind() == []
    (line,) = {line.partition("] ")[2] for line in supervisor.logs(r" ERROR ayl_worker\[\d+\] ") if _is_last(line)}
    return line


def _is_last(line: str) -> bool:
    """The traceback of the app's own fault stands before the line that sums it up."""
    return "] cannot import " not in line or "the module" in line


@pytest.mark.parametrize(("source", "module", "reason"), [*MODULES.values()], ids=[*MODULES])
def test_an_app_that_cannot_be_imported_is_told_and_not_tried_again(
    our_workshop: Workshop, source: str, module: str, reason: str
) -> None:
    (our_workshop.folder / "app.py").write_text(source)
    supervisor = our_workshop.command("--require", module, AYL_APP="shop")
    line = refused(supervisor)
    assert f"cannot import the module '{module}'" in line
    assert reason in line


FILES = {
    "no TOML": ("app = shop", "is not valid TOML"),
    "no text": ("app = '\udcff'", "is not valid TOML"),
    "an unknown setting": ('ap = "shop"', "unknown setting 'ap'; did you mean 'app'?"),
    "an app that is no text": ("app = 5", "app is text, not 5"),
    "an app that no tube can have": ('app = "a b"', "app 'a b' cannot be part of a tube's name"),
    "a version that no tube can have": ('app = "a"\nversion = "1 2"', "version '1 2' cannot be part"),
    "an unknown option": ('app = "a"\n[defaults]\npriorty = 1', "did you mean 'priority'?"),
    "an engine that is none": ('app = "a"\nengine = "redis://127.0.0.1"', "engine 'redis://127.0.0.1'"),
    "an engine that has no workers": ('app = "a"\nengine = "synchronous"', "engine 'synchronous'"),
    "an engine with a port that is none": ('app = "a"\nengine = "beanstalk://localhost:x"', "localhost:x"),
    "nothing": ("", "no app is configured"),
}


@pytest.mark.parametrize(("text", "reason"), [*FILES.values()], ids=[*FILES])
def test_a_file_of_settings_that_makes_no_sense_is_told_and_not_tried_again(
    our_workshop: Workshop, text: str, reason: str
) -> None:
    (our_workshop.folder / "ayl.toml").write_text(text, errors="surrogateescape")
    (our_workshop.folder / "app.py").touch()
    assert reason in refused(our_workshop.command("--require", "app"))


def test_a_file_of_settings_that_cannot_be_read_is_told(our_workshop: Workshop) -> None:
    (our_workshop.folder / "ayl.toml").mkdir()
    (our_workshop.folder / "app.py").touch()
    assert "cannot read" in refused(our_workshop.command("--require", "app"))


def test_a_file_of_settings_that_is_named_must_be_there(our_workshop: Workshop) -> None:
    (our_workshop.folder / "app.py").touch()
    said = refused(our_workshop.command("--require", "app", AYL_CONFIG="nowhere.toml"))
    assert "AYL_CONFIG names nowhere.toml, which does not exist" in said


def test_several_workers_that_cannot_start_are_one_failure(our_workshop: Workshop) -> None:
    supervisor = our_workshop.command("--require", "nowhere", "--processes", "3")
    assert supervisor.wait() == CANNOT_START
    assert len(supervisor.started()) == 3
    assert supervisor.left_behind() == []


USAGES = {
    "no module": ((), "Missing option '-c' / '--require'"),
    "a path that does not exist": (("--require", "chores", "--app-path", "nowhere"), "'nowhere' does not exist"),
    "a path that is a file": (("--require", "chores", "--app-path", __file__), "is a file"),
    "no processes": (("--require", "chores", "--processes", "0"), "--processes"),
    "an unknown option": (("--require", "chores", "--proceses", "2"), "--proceses"),
    "an unknown log level": (("--require", "chores", "--log-level", "LOUD"), "--log-level"),
    "a word too many": (("--require", "chores", "loudly"), "loudly"),
    "a tube that is none": (("--require", "chores", "--tube", "a b"), "a b"),
    "a tube of two lines": (("--require", "chores", "--tube", "a\r\nquit"), "quit"),
    "a tube beyond ASCII": (("--require", "chores", "--tube", "läden/1"), "läden/1"),
    "a tube without a name": (("--require", "chores", "--tube", ""), "tube"),
    "a tube with a name too long": (("--require", "chores", "--tube", "x" * 201), "x" * 201),
}


@pytest.mark.parametrize(("words", "reason"), [*USAGES.values()], ids=[*USAGES])
def test_a_command_line_that_makes_no_sense_is_a_usage_error(
    our_workshop: Workshop, words: tuple[str, ...], reason: str
) -> None:
    paths = () if "--app-path" in words else ("--app-path", str(APP_PATH))
    supervisor = our_workshop.command(*words, *paths, AYL_APP="shop", AYL_ENGINE=our_workshop.server.url)
    eventually(lambda: supervisor.process.poll() is not None or supervisor.started(), supervisor.log)
    assert supervisor.process.poll() == WRONG_USAGE, supervisor.log()
    assert supervisor.log().startswith("Usage: ayl_worker [OPTIONS]\n")
    assert reason in " ".join(supervisor.log().split())
    assert supervisor.started() == []


def test_the_help_names_signals_and_exit_codes(our_workshop: Workshop) -> None:
    supervisor = our_workshop.command("--help")
    assert supervisor.wait() == 0
    text = supervisor.log()
    assert "SIGTERM" in text
    assert "78" in text
    for option in ("APP_PATH", "REQUIRE", "TUBE", "PROCESSES", "LOG_LEVEL"):
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
        AYL_WORKER_PROCESSES="2",
        AYL_WORKER_LOG_LEVEL="debug",
        AYL_ENGINE=our_workshop.server.url,
    )
    our_workshop.await_gone(*(handle.job_id for handle in sent))
    our_workshop.await_waiting(2)
    assert len(supervisor.started()) == 2
    supervisor.awaits(r" DEBUG .*chores\.note\(.*'slow'\) done in ")


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
