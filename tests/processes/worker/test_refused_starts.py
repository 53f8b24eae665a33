"""A start of `ayl_worker` that cannot succeed is told in one clear line, and is not tried again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from tests.processes.deadline import eventually

from .workshop import APP_PATH, Supervisor

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.processes.servers import Server

CANNOT_START = 78
WRONG_USAGE = 2
NO_APPLICATION = 64

AT_ONCE = 4
"""Starts that run side by side."""


@dataclass(frozen=True)
class Start:
    """A command line in a folder with these files, and what the line that refuses it says."""

    words: tuple[str, ...]
    says: str
    files: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)


def app(source: str, says: str, module: str = "app") -> Start:
    return Start(("--require", module), says, {"app.py": source}, {"AYL_APP": "shop"})


def config(text: str, says: str) -> Start:
    return Start(("--require", "app"), says, {"app.py": "", "ayl.toml": text})


def usage(says: str, *words: str, path: str = str(APP_PATH)) -> Start:
    return Start(("--app-path", path, *words), says, {}, {"AYL_APP": "shop"})


APPS = {
    "a module that does not exist": app("", "No module named 'nowhere'", "nowhere"),
    "a file instead of a module": app("", "named as in an import, not as a file: --require app", "app.py"),
    "a module of a package that does not exist": app("", "No module named 'app", "app.nowhere"),
    "a syntax error": app("def f(:\n", "SyntaxError"),
    "an error at import": app("1 / 0\n", "ZeroDivisionError"),
    "a missing module": app("import nowhere_at_all\n", "nowhere_at_all"),
    "an exit at import": app("raise SystemExit('set SHOP_DATABASE')\n", "set SHOP_DATABASE"),
    "a good exit at import": app("raise SystemExit(0)\n", "SystemExit"),
    "text that is no Python": app("\0", "null bytes"),
    "a wrong setting in the app": app("import ayl\nayl.configure(app='a b')\n", "app 'a b'"),
    "a wrong declaration in the app": app("import ayl\nayl.task(5)\n", "@ayl.task is for functions"),
}

CONFIGS = {
    "no TOML": config("app = shop", "is not valid TOML"),
    "no text": config("app = '\udcff'", "is not valid TOML"),
    "an unknown setting": config('ap = "shop"', "unknown setting 'ap'; did you mean 'app'?"),
    "an app that is no text": config("app = 5", "app is text, not 5"),
    "an app that no tube can have": config('app = "a b"', "app 'a b' cannot be part of a tube's name"),
    "a version that no tube can have": config('app = "a"\nversion = "1 2"', "version '1 2' cannot be part"),
    "an unknown option among the defaults": config('app = "a"\n[defaults]\npriorty = 1', "did you mean 'priority'?"),
    "an engine that is none": config('app = "a"\nengine = "redis://127.0.0.1"', "engine 'redis://127.0.0.1'"),
    "an engine that has no workers": config('app = "a"\nengine = "synchronous"', "engine 'synchronous'"),
    "an engine with a port that is none": config('app = "a"\nengine = "beanstalk://localhost:x"', "localhost:x"),
    "a file that cannot be read": Start(("--require", "app"), "cannot read", {"app.py": "", "ayl.toml/inside": ""}),
    "a file that is named and not there": Start(
        ("--require", "app"),
        "AYL_CONFIG names nowhere.toml, which does not exist",
        {"app.py": ""},
        {"AYL_CONFIG": "nowhere.toml"},
    ),
    "a lane with a name too long": Start(
        ("--require", "app", "--lane", "x" * 197),
        "has 201 bytes",
        {"app.py": "", "ayl.toml": 'app = "a"\nversion = "b"'},
    ),
    "nothing": config("", "no app is configured"),
}

USAGES = {
    "no workers": usage("--workers", "--require", "chores", "--workers", "0"),
    "an unknown option": usage("--proceses", "--require", "chores", "--proceses", "2"),
    "an unknown log level": usage("--log-level", "--require", "chores", "--log-level", "LOUD"),
    "a word too many": usage("loudly", "--require", "chores", "loudly"),
    "a tube that is none": usage("a b", "--require", "chores", "--tube", "a b"),
    "a tube of two lines": usage("quit", "--require", "chores", "--tube", "a\r\nquit"),
    "a tube beyond ASCII": usage("läden/1", "--require", "chores", "--tube", "läden/1"),
    "a tube without a name": usage("tube", "--require", "chores", "--tube", ""),
    "a share that is none": usage("give a whole number from 1 to 999", "--require", "chores", "--tube", "a=0"),
    "a share of nothing": usage("no tube can be named ''", "--require", "chores", "--tube", "=3"),
    "a tube twice": usage("a is given twice", "--require", "chores", "--tube", "a=2", "--tube", "a"),
    "an order of one tube": usage("needs several lanes or tubes", "--require", "chores", "--tube", "a", "--strict"),
    "an order with shares": usage(
        "none of them with a share", "--require", "chores", "--tube", "a=2", "--tube", "b", "--strict"
    ),
    "a lane that is none": usage("no lane can be named 'a/b'", "--require", "chores", "--lane", "a/b"),
    "a lane without a name": usage("no lane can be named ''", "--require", "chores", "--lane", "=1"),
    "a lane of two lines": usage("no lane can be named", "--require", "chores", "--lane", "a\r\nquit"),
    "a lane twice": usage("mail is given twice", "--require", "chores", "--lane", "mail", "--lane", "mail=2"),
    "a lane's share that is none": usage("'x' is no share of mail", "--require", "chores", "--lane", "mail=x"),
    "an order of one lane": usage("needs several lanes", "--require", "chores", "--lane", "*", "--strict"),
    "a lane and a tube": usage("give one kind alone", "--require", "chores", "--lane", "mail", "--tube", "a"),
    "all lanes with a share": usage(
        "'*' is the lane default, too: give that a share of its own", "--require", "chores", "--lane", "*=2"
    ),
    "a name of nothing": usage("'' is no name", "--require", "chores", "--name", ""),
    "a name with a path": usage("'../x' is no name", "--require", "chores", "--name", "../x"),
    "a name of two lines": usage("is no name", "--require", "chores", "-n", "a\nb"),
    "an environment that is none": usage("'a b' is no name", "--require", "chores", "-e", "a b"),
    "a pid file that is none": usage(
        "'nowhere' is no directory, and no name of a file that ends in .pid", "--require", "chores", "-p", "nowhere"
    ),
    "Rails": usage("there is no Rails to load: name the modules", "--require", "chores", "-r"),
    "a tube with a name too long": usage("x" * 201, "--require", "chores", "--tube", "x" * 201),
}

NO_APPLICATIONS = {
    "no module": usage("Missing option '-c' / '--require'"),
    "a path that does not exist": usage("'nowhere' does not exist", "--require", "chores", path="nowhere"),
    "a path of nothing": usage("'' does not exist", "--require", "chores", path=""),
    "a path that is a file": usage("is a file", "--require", "chores", path=__file__),
}

SEVERAL = {"several workers": Start(("--require", "nowhere", "--workers", "3"), "nowhere")}


@pytest.fixture(scope="module")
def starts(our_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Supervisor]]:
    """All of them, each ended, or caught at trying again."""
    made: dict[str, Supervisor] = {}
    try:
        waiting = [*(APPS | CONFIGS | USAGES | NO_APPLICATIONS | SEVERAL).items()]
        for first in range(0, len(waiting), AT_ONCE):
            for name, start in waiting[first : first + AT_ONCE]:
                folder = tmp_path_factory.mktemp("start")
                made[name] = begun(start, folder, our_server)
            for name, _ in waiting[first : first + AT_ONCE]:
                await_settled(made[name])
        yield made
    finally:
        for supervisor in made.values():
            supervisor.close()


def begun(start: Start, folder: Path, server: Server) -> Supervisor:
    for name, text in start.files.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, errors="surrogateescape")
    variables = {"AYL_ENGINE": server.url, **start.variables} if "ayl.toml" not in start.files else {**start.variables}
    return Supervisor(start.words, variables, folder / "workers.log", folder)


def await_settled(supervisor: Supervisor) -> None:
    """Wait until it has ended, or takes jobs, or looks for a server, or starts what has failed again."""

    def settled() -> bool:
        tries = len(supervisor.logs(r"worker \d+ (could not start|ended)"))
        return supervisor.process.poll() is not None or tries > 3 or bool(supervisor.logs("takes jobs|no server"))

    eventually(settled, supervisor.log)


def refusal(supervisor: Supervisor) -> str:
    """The line that says why the start cannot succeed. The exit code says it, too, and nobody tried twice."""
    assert supervisor.process.poll() == CANNOT_START, supervisor.log()
    assert len(supervisor.started()) == 1
    assert supervisor.left_behind() == []
    (line,) = {line.partition("] ")[2] for line in supervisor.logs(r" ERROR ayl_worker\[\d+\] ") if _sums_up(line)}
    return line


def _sums_up(line: str) -> bool:
    """The traceback of an app's own fault stands before the line that sums it up."""
    return "] cannot import " not in line or "the module" in line


@pytest.mark.parametrize("name", APPS)
def test_an_app_that_cannot_be_imported_is_told_and_not_tried_again(starts: dict[str, Supervisor], name: str) -> None:
    line = refusal(starts[name])
    assert line.startswith(f"cannot import the module '{APPS[name].words[1]}' from ")
    assert APPS[name].says in line


@pytest.mark.parametrize("name", CONFIGS)
def test_settings_that_make_no_sense_are_told_and_not_tried_again(starts: dict[str, Supervisor], name: str) -> None:
    assert CONFIGS[name].says in refusal(starts[name])
    assert "Traceback" not in starts[name].log()


@pytest.mark.parametrize("name", USAGES)
def test_a_command_line_that_makes_no_sense_is_a_usage_error(starts: dict[str, Supervisor], name: str) -> None:
    is_refused_by_the_command_line(starts[name], WRONG_USAGE, USAGES[name])


@pytest.mark.parametrize("name", NO_APPLICATIONS)
def test_without_an_application_the_code_is_rubys(starts: dict[str, Supervisor], name: str) -> None:
    is_refused_by_the_command_line(starts[name], NO_APPLICATION, NO_APPLICATIONS[name])


def is_refused_by_the_command_line(supervisor: Supervisor, code: int, start: Start) -> None:
    assert supervisor.process.poll() == code, supervisor.log()
    assert supervisor.log().startswith("Usage: ayl_worker [OPTIONS] [COMMAND]\n")
    assert start.says in " ".join(supervisor.log().split())
    assert supervisor.started() == []


def test_several_workers_that_cannot_start_are_one_failure(starts: dict[str, Supervisor]) -> None:
    supervisor = starts["several workers"]
    assert supervisor.process.poll() == CANNOT_START
    assert len(supervisor.started()) == 3
    assert supervisor.left_behind() == []
