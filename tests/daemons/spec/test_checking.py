"""`ayl_daemons check` and `schema`, run as a process."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest
from click.testing import CliRunner

from ayl.cli.control import main as ayl_worker_control
from ayl.cli.daemons.exits import Exit
from ayl.cli.daemons.main import FAMILIES, ayl_daemons
from ayl.cli.daemons.status import Seen
from ayl.daemons.spec.schema import SHIPPED

if TYPE_CHECKING:
    from collections.abc import Callable

COMMAND = (sys.executable, "-m", "ayl.cli.daemons")
ROOT = Path(__file__).parents[3]


def run(*words: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AYL_")} | variables
    return subprocess.run(
        [*COMMAND, *map(str, words)], capture_output=True, text=True, timeout=30, env=environment, check=False
    )


@pytest.fixture
def written(tmp_path: Path) -> Callable[[str], Path]:
    """Writes the file and says where it is."""

    def write(text: str) -> Path:
        path = tmp_path / "daemons.yml"
        path.write_text(text)
        path.chmod(0o640)
        return path

    return write


def shop(directory: Path) -> str:
    """An application that is there, and two groups of it."""
    return (
        f"applications:\n  shop:\n    path: {directory}\n    user: nobody\n    modules: [shop]\n"
        "    groups: {web: {}, mail: {lanes: [mail]}}\n    daemons: {clock: {command: sleep 1}}\n"
    )


def test_a_file_without_mistakes_is_well(written: Callable[[str], Path], tmp_path: Path) -> None:
    done = run("check", "--config", written(shop(tmp_path)))
    assert (done.returncode, done.stdout, done.stderr) == (0, "3 daemons of 1 application: all is well\n", "")


def test_of_what_is_named_alone_the_machine_is_asked(written: Callable[[str], Path], tmp_path: Path) -> None:
    desk = "  desk:\n    path: /nowhere\n    user: nobody\n    modules: [desk]\n    groups: {calls: {}}\n"
    path = written(shop(tmp_path) + desk)
    assert run("check", "--config", path).returncode == Exit.NOT_CONFIGURED
    done = run("check", "--config", path, "shop.web")
    assert (done.returncode, done.stdout, done.stderr) == (0, "1 daemon of 1 application: all is well\n", "")
    assert "there is no daemon 'shob'; did you mean shop?" in run("check", "--config", path, "shob").stderr


def test_the_server_counts_for_itself(written: Callable[[str], Path], tmp_path: Path) -> None:
    server = "server: {user: nobody, binlog: none}\n"
    assert run("check", "--config", written(server)).stdout == "the server: all is well\n"
    done = run("check", "--config", written(server + shop(tmp_path)))
    assert done.stdout == "3 daemons of 1 application and the server: all is well\n"


def test_mistakes_are_lines_on_stderr(written: Callable[[str], Path]) -> None:
    path = written("server:\n  usr: nobody\n  port: x\n")
    done = run("check", "--config", path)
    assert (done.returncode, done.stdout) == (Exit.NOT_CONFIGURED, "")
    assert done.stderr == (
        f"{path}:2:3: server.usr: unknown key; expected a key of the server; did you mean user?\n"
        f"{path}:3:9: server.port: 'x' does not fit; expected a whole number from 0 to 65535\n"
    )


def test_mistakes_are_told_to_scripts(written: Callable[[str], Path]) -> None:
    path = written("server:\n  usr: nobody\n")
    done = run("check", "--json", "--config", path)
    assert done.returncode == Exit.NOT_CONFIGURED
    assert json.loads(done.stdout) == {
        "file": str(path),
        "problems": [
            {
                "file": str(path),
                "line": 2,
                "column": 3,
                "key": "server.usr",
                "text": "unknown key; expected a key of the server; did you mean user?",
            }
        ],
        "warnings": [],
        "daemons": [],
    }


def test_what_is_unwise_is_told_and_well(written: Callable[[str], Path], tmp_path: Path) -> None:
    path = written(shop(tmp_path).replace("nobody", "root"))
    done = run("check", "--config", path)
    told = "runs as root: give it a user of its own (user: …)"
    where = f"warning: {path}:4:11: applications.shop.user:"
    assert (done.returncode, done.stdout) == (0, "3 daemons of 1 application: all is well\n")
    assert done.stderr.splitlines() == [f"{where} shop.{name} {told}" for name in ("clock", "mail", "web")]
    found = json.loads(run("check", "--json", "--config", path).stdout)
    assert [warning["line"] for warning in found["warnings"]] == [4, 4, 4]
    assert found["daemons"] == ["shop.web", "shop.mail", "shop.clock"]


def test_the_file_is_named_before_or_after_the_command_or_by_a_variable(
    written: Callable[[str], Path], tmp_path: Path
) -> None:
    path = written(shop(tmp_path))
    for done in (
        run("--config", path, "check"),
        run("check", "--config", path),
        run("check", AYL_DAEMONS=str(path)),
        run("--config", "/gone", "check", "--config", path),
        run("check", "--config", path, AYL_DAEMONS="/gone"),
    ):
        assert (done.returncode, done.stderr) == (0, "")


def test_a_file_that_is_not_there_is_told() -> None:
    done = run("check", "--config", "/gone/daemons.yml")
    told = "/gone/daemons.yml: does not exist; expected a file: --config or AYL_DAEMONS says which\n"
    assert (done.returncode, done.stdout, done.stderr) == (Exit.NOT_CONFIGURED, "", told)


def test_variables_are_those_of_whoever_asks(written: Callable[[str], Path], tmp_path: Path) -> None:
    path = written(shop(tmp_path).replace("nobody", "${WHO}"))
    assert run("check", "--config", path, WHO="nobody").returncode == 0
    assert "the variable WHO is not set" in run("check", "--config", path).stderr


def test_nothing_that_a_terminal_obeys_is_told(written: Callable[[str], Path]) -> None:
    done = run("check", "--config", written('server: {"\\e[31mred": 1, user: "\\e[2J", listen: ["\\e"]}\n'))
    assert done.returncode == Exit.NOT_CONFIGURED
    assert done.stderr.replace("\n", "").isprintable()
    assert r"server.\x1b[31mred: unknown key" in done.stderr


def test_the_schema_is_the_shipped_one() -> None:
    done = run("schema")
    assert (done.returncode, done.stdout, done.stderr) == (0, SHIPPED.read_text(), "")


def test_a_checkout_has_the_command_too() -> None:
    command, other = (ROOT / "bin" / name for name in ("ayl_daemons", "ayl_beanstalk"))
    assert command.read_text() == other.read_text()
    assert os.access(command, os.X_OK)


class TestHelp:
    """What somebody reads who knows nothing."""

    def test_it_names_every_command_and_exit_code_and_the_variable(self) -> None:
        text = CliRunner().invoke(ayl_daemons, ["--help"]).output
        assert all(f"\n  {name} " in text for _, names in FAMILIES.values() for name in names)
        assert all(f"{code:>3}  " in text for code in Exit)
        assert "AYL_DAEMONS" in text

    def test_it_shows_first_what_is_needed_most(self) -> None:
        text = CliRunner().invoke(ayl_daemons, ["--help"]).output
        examples = re.findall(r"^ +ayl_daemons (\w+)", text.partition("Examples:")[2], re.MULTILINE)
        assert examples[:4] == ["start", "status", "reload", "logs"]

    @pytest.mark.parametrize("group", [ayl_daemons, ayl_worker_control], ids=lambda group: group.name)
    def test_each_command_has_examples_and_exit_codes(self, group: click.Group) -> None:
        names = group.list_commands(click.Context(group))
        assert {"start", "stop", "restart", "status", "run"} <= {*names}
        for name in names:
            done = CliRunner().invoke(group, [name, "--help"])
            assert done.exit_code == 0, name
            below = done.output.partition("\n  Examples:\n")[2]
            examples, _, codes = below.partition("\n\n  Exit codes:\n")
            assert re.search(rf"^ +{group.name} {name}\b", examples, re.MULTILINE), name
            assert re.search(r"^ +0  \w", codes), name
            assert re.search(r"^ +2  the command line is wrong$", codes, re.MULTILINE), name

    def test_that_of_status_has_the_codes_of_status(self) -> None:
        text = CliRunner().invoke(ayl_daemons, ["status", "--help"]).output
        codes = re.findall(r"^ +(\d+)  ", text.partition("Exit codes:")[2], re.MULTILINE)
        assert [int(code) for code in codes] == sorted({*Seen, Exit.USAGE})

    def test_a_wrong_command_is_told(self) -> None:
        done = run("chekc")
        assert done.returncode == Exit.USAGE
        assert "No such command 'chekc'" in done.stderr

    def test_it_loads_no_yaml(self) -> None:
        code = "import sys, ayl.cli.daemons.main; print('yaml' in sys.modules)"
        assert subprocess.check_output([sys.executable, "-c", code], text=True) == "False\n"
