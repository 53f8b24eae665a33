"""`service ayl-workers …` on a machine without systemd."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from ayl.cli.daemons.status import document, seen
from ayl.cli.output import as_json
from ayl.daemons.conditions import Condition, Health
from ayl.daemons.state import State
from tests.pages import ROOT

from .root import AS_ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SCRIPT = ROOT / "packaging" / "sysv" / "ayl-workers"

DAEMONS = """\
#!/bin/sh
echo "$*" >>{calls}
{{ umask; pwd; echo "$AYL_DAEMONS $PATH"; }} >{seen}
case $* in "status --json"*) cat {conditions} ;; *) echo "told: $*" ;; esac
[ "$1" = status ] && exit "$(cat {status})"
exit "$(cat {code})"
"""
"""An ayl_daemons that remembers what it was asked."""

SHELLS = ["dash", "bash"]

STATE = State("shop.mail", "workers", 7, "1", "working", 1.0, "s")

WORKING = Condition("shop.mail", 7, STATE, Health.WELL)

TROUBLED = Condition("shop.mail", 7, replace(STATE, state="pausing", failures=3), Health.TROUBLED)

STOPPED = Condition("shop.calls", None, None, Health.STOPPED)

DEAD = Condition('"keeper": 1', None, None, Health.DEAD)


class Service:
    """The script, with the paths that it uses below a directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.script = directory / "ayl-workers"
        text = SCRIPT.read_text()
        for path in ("/usr/bin/ayl_daemons", "/etc/default/ayl", "/etc/sysconfig/ayl", "/run/systemd/system"):
            here = directory / path.lstrip("/")
            here.parent.mkdir(parents=True)
            assert path in text
            text = text.replace(path, str(here))
        self.script.write_text(text)
        self.script.chmod(0o755)
        self.calls = directory / "calls"
        self.seen = directory / "seen"
        self.conditions = directory / "conditions"
        self.sees(WORKING)
        self.answer(0, status=0)
        self.program = directory / "usr/bin/ayl_daemons"
        self.program.write_text(
            DAEMONS.format(
                calls=self.calls,
                seen=self.seen,
                status=directory / "status",
                code=directory / "code",
                conditions=self.conditions,
            )
        )
        self.program.chmod(0o755)

    def answer(self, code: int, *, status: int) -> None:
        """How it ends from now on."""
        (self.directory / "code").write_text(str(code))
        (self.directory / "status").write_text(str(status))

    def sees(self, *conditions: Condition) -> None:
        """How the daemons are from now on, and what `status` tells of that."""
        self.conditions.write_text(as_json([document(condition) for condition in conditions]))
        self.answer(5, status=seen(conditions))

    def run(self, *words: str, shell: str = "dash") -> subprocess.CompletedProcess[str]:
        return subprocess.run([shell, str(self.script), *words], capture_output=True, text=True, check=False)

    def asked(self) -> list[str]:
        """What it was asked until now."""
        return self.calls.read_text().splitlines() if self.calls.exists() else []


@pytest.fixture
def service(tmp_path: Path) -> Service:
    return Service(tmp_path)


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    ("action", "asked"),
    [
        ("start", ["start"]),
        ("stop", ["stop"]),
        ("restart", ["restart"]),
        ("reload", ["reload"]),
        ("force-reload", ["reload"]),
        ("status", ["status"]),
        ("try-restart", ["status --json", "restart"]),
        ("condrestart", ["status --json", "restart"]),
    ],
)
def test_each_word_is_handed_on_and_its_answer_handed_back(
    action: str, asked: list[str], shell: str, service: Service
) -> None:
    done = service.run(action, shell=shell)
    assert (done.returncode, service.asked(), done.stderr) == (0, asked, "")
    assert done.stdout == f"told: {asked[-1]}\n"


@pytest.mark.parametrize("action", ["start", "stop", "restart", "reload"])
@pytest.mark.parametrize("code", [1, 2, 4, 6])
def test_exit_codes_are_handed_back(action: str, code: int, service: Service) -> None:
    service.answer(code, status=0)
    assert service.run(action).returncode == code


@pytest.mark.parametrize("code", [0, 1, 3, 4])
def test_so_are_those_of_status(code: int, service: Service) -> None:
    service.answer(0, status=code)
    assert service.run("status").returncode == code


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    ("conditions", "restarts"),
    [
        ([WORKING], True),
        ([WORKING, STOPPED], True),
        ([STOPPED, WORKING], True),
        ([WORKING, DEAD], True),
        ([TROUBLED], True),
        ([STOPPED], False),
        ([DEAD], False),
        ([DEAD, STOPPED], False),
        ([], False),
    ],
)
def test_try_restart_restarts_where_anything_runs(
    conditions: list[Condition], restarts: bool, shell: str, service: Service
) -> None:
    service.sees(*conditions)
    assert service.run("try-restart", shell=shell).returncode == (5 if restarts else 0)
    assert service.asked() == ["status --json"] + ["restart"] * restarts


@pytest.mark.parametrize("code", [2, 4])
def test_a_try_restart_that_cannot_know_tells_why(code: int, service: Service) -> None:
    service.conditions.write_text("")
    service.answer(0, status=code)
    assert service.run("try-restart").returncode == code
    assert service.asked() == ["status --json", "status"]


def test_some_of_them_can_be_named(service: Service) -> None:
    service.run("restart", "shop.mail", "server")
    service.run("try-restart", "shop")
    assert service.asked() == ["restart shop.mail server", "status --json shop", "restart shop"]


@pytest.mark.parametrize("words", [[], ["begin"], ["--help"], [""]])
def test_another_word_is_wrong_usage(words: list[str], service: Service) -> None:
    done = service.run(*words)
    assert (done.returncode, service.asked()) == (2, [])
    assert done.stderr.startswith("Usage: service ayl-workers {start|stop|restart|")


@pytest.mark.parametrize(("action", "code"), [("start", 5), ("reload", 5), ("status", 4), ("stop", 0)])
def test_what_is_not_installed_cannot_be_started_and_need_not_be_stopped(
    action: str, code: int, service: Service
) -> None:
    service.program.unlink()
    done = service.run(action)
    assert done.returncode == code
    assert (done.stderr == "") == (code == 0)


@pytest.mark.parametrize("file", ["etc/default/ayl", "etc/sysconfig/ayl"])
def test_another_file_of_configuration_can_be_set(file: str, service: Service) -> None:
    (service.directory / file).write_text("AYL_DAEMONS=/srv/daemons.yml\n")
    service.run("start")
    assert service.seen.read_text().splitlines()[2].startswith("/srv/daemons.yml ")


def test_it_has_its_own_umask_directory_and_path(service: Service) -> None:
    subprocess.run(
        [service.script, "start"], check=True, umask=0o777, env={"PATH": "/usr/bin"}, stdout=subprocess.DEVNULL
    )
    umask, directory, rest = service.seen.read_text().splitlines()
    assert (umask, directory) == ("0022", "/")
    assert rest == " /usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def test_under_systemd_its_unit_is_started_instead(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    (service.directory / "run/systemd/system").mkdir()
    systemctl = service.directory / "systemctl"
    systemctl.write_text(f'#!/bin/sh\necho "systemctl $*" >>{service.calls}\nexit 3\n')
    systemctl.chmod(0o755)
    service.script.write_text(service.script.read_text().replace("exec systemctl", f"exec {systemctl}"))
    assert [service.run(action).returncode for action in ("start", "force-reload", "status")] == [3, 3, 0]
    assert service.run("start", "shop").returncode == 2
    assert service.asked() == ["systemctl start ayl-workers.service", "systemctl reload ayl-workers.service", "status"]


def header() -> dict[str, str]:
    """The fields of the LSB header."""
    text = SCRIPT.read_text()
    block = text.partition("### BEGIN INIT INFO\n")[2].partition("### END INIT INFO\n")[0]
    return dict(line.lstrip("# ").split(":", 1) for line in block.splitlines() if not line.startswith("#  "))


def test_its_header_says_when_it_is_started() -> None:
    fields = {name: value.split() for name, value in header().items()}
    assert fields["Provides"] == ["ayl-workers"]
    assert {"$remote_fs", "$syslog", "$network"} <= {*fields["Required-Start"]}
    assert {"beanstalkd", "ayl-server"} <= {*fields["Should-Start"]}
    assert (fields["Default-Start"], fields["Default-Stop"]) == (["2", "3", "4", "5"], ["0", "1", "6"])
    assert fields.keys() >= {"Required-Stop", "Short-Description", "Description"}


@pytest.fixture
def init_script(service: Service) -> Iterator[str]:
    """Its name in /etc/init.d; one of these tests."""
    name = f"ayl-test-{os.getpid()}"
    subprocess.run([*AS_ROOT, "install", "-m", "755", service.script, f"/etc/init.d/{name}"], check=True)
    yield name
    subprocess.run([*AS_ROOT, "rm", f"/etc/init.d/{name}"], check=True)


def test_service_runs_it(init_script: str, service: Service) -> None:
    service.answer(0, status=3)
    words = [*AS_ROOT, "service", init_script]
    assert (
        subprocess.run(
            [*words, "start"], check=False, stdout=subprocess.DEVNULL, env={"STRAY": "x"} | os.environ
        ).returncode
        == 0
    )
    assert subprocess.run([*words, "status"], check=False, stdout=subprocess.DEVNULL).returncode == 3
    assert service.asked() == ["start", "status"]


SCRIPTS = sorted(
    path
    for path in (ROOT / "packaging").rglob("*")
    if path.is_file() and path.read_text().startswith(("#!/bin/sh", "#!/usr/bin/env bash"))
)


def test_there_are_scripts() -> None:
    assert {path.name for path in SCRIPTS} == {"ayl-workers", "ayl-generator", "build", "environment", "trial"}


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_shellcheck_has_nothing_against_our_scripts(path: Path) -> None:
    done = subprocess.run(["shellcheck", "--external-sources", str(path)], check=False, capture_output=True, text=True)
    assert done.stdout == ""
    assert done.returncode == 0
    assert os.access(path, os.X_OK)
