"""docs/ayl_beanstalk.md is true: its commands are run in their order, and every command and option is in it."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING

import click
import pytest
from click.testing import CliRunner

from ayl.cli import ExitCode
from ayl.cli.beanstalk import ayl_beanstalk
from ayl.cli.live.view import HELP
from ayl.cli.requests import OPTIONS
from tests.pages import ROOT, Page

from .live.terminal import COMMAND, terminal
from .operators import commands
from .servers import KINDS, client

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ayl.admin import Server

MANUAL = Page("docs/ayl_beanstalk.md")
NIGHT = "At three in the morning"
SECTIONS: dict[str, str] = dict(re.findall(r"^### (.*)\n([\s\S]*?)(?=^##)", MANUAL.text, re.MULTILINE))
"""What stands under the name of each command."""

CALL = (
    '{%s"type":"ayl","v":1,"app":"shop","ver":"%s","do":"ship","id":"%s",'
    '"on":{"$ref":["shop.Order",%d]},"args":["ups"]}'
)
LIFE = '"life":{"tries":3,"why":"NoSuchCarrier: ups"},'


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """One with the jobs that the page tells of and with workers, and the shop of the README where commands are run."""
    Page("README.md").write(tmp_path)
    (tmp_path / "spool").mkdir()
    monkeypatch.chdir(tmp_path)
    with KINDS[1].running() as started, client(started, watch="shop/1.4.2") as worker:
        monkeypatch.setenv("AYL_BEANSTALK_PORT", str(started.port))
        jobs = [("1.4.2", LIFE, 41, 0), ("1.4.2", "", 42, 0), ("1.4.2", "", 43, 600), ("1.4.1", "", 44, 0)]
        for number, (version, life, key, delay) in enumerate(jobs):
            worker.use(f"shop/{version}")
            identifier = f"01926d3e-7c1a-7000-8000-00000000000{number}"
            job = worker.put((CALL % (life, version, identifier, key)).encode(), delay=delay)
            if life:
                worker.bury(worker.reserve())
            assert job == number + 1
        yield started


def run(command: str, server: Server) -> tuple[int, str]:
    """Its exit code and what it says."""
    words = shlex.split(command, comments=True)[1:]
    if words[:1] == ["top"]:
        with terminal(*words, "-p", str(server.port)) as shown:
            shown.see("? help")
            shown.type("q")
            return shown.ended(), shown.screen.text
    if "-c" in words:  # it imports code, which is to be gone with it
        done = subprocess.run([*COMMAND, *words], capture_output=True, text=True, check=False, timeout=30)
        return done.returncode, done.stdout + done.stderr
    result = CliRunner().invoke(ayl_beanstalk, words)
    return result.exit_code, result.output


@pytest.mark.parametrize("by_night", [False, True], ids=["commands", NIGHT])
def test_following_the_manual_works(server: Server, *, by_night: bool) -> None:
    wrong = []
    followed = [
        command for block in MANUAL.blocks if (block.section == NIGHT) == by_night for command in block.commands
    ]
    assert len(followed) > 12
    for command in followed:
        told = re.search(r"  # ends with (\d+)$", command)
        code, said = run(command, server)
        if code != int(told[1] if told else 0):
            wrong.append(f"{command} ended with {code}: {said}")
    assert not wrong, "\n".join(wrong)


def test_every_command_is_there_with_an_example_and_its_options() -> None:
    assert {*SECTIONS} == {*commands()}
    for name, command in commands().items():
        examples = [line for line in SECTIONS[name].splitlines() if line.startswith("$ ayl_beanstalk")]
        assert examples, name
        assert any(name in line for line in examples), name
        for option in command.params:
            if isinstance(option, click.Option) and option not in OPTIONS:
                words = [*option.opts, *([option.envvar] if isinstance(option.envvar, str) else [])]
                assert not [word for word in words if f"`{word}`" not in told_of(name)], name


def told_of(command: str) -> str:
    """All that is said of it, with what the commands of its group have in common."""
    shared = MANUAL.text.split("## This machine")[1].split("###")[0] if command.startswith("spool") else ""
    return SECTIONS[command] + shared


def test_the_table_of_contents_has_every_command_and_no_other() -> None:
    assert {name for name, _ in re.findall(r"\[`(\w+(?: \w+)?)`\]\(#([\w-]+)\)", MANUAL.text)} == {*commands()}


def test_every_option_that_all_have_is_there_with_its_variable() -> None:
    table = MANUAL.text.split("## Options")[1].split("## Exit codes")[0]
    for option in OPTIONS:
        assert f"`{option.opts[-1]}` | `{option.envvar}`" in table


def test_every_exit_code_is_there() -> None:
    table = MANUAL.text.split("## Exit codes")[1].split("## What it prints")[0]
    assert [int(code) for code in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)] == [*ExitCode]


def test_every_key_of_top_is_there() -> None:
    for keys, _ in HELP[: HELP.index(("", ""))]:
        for key in keys.split(", "):
            assert f"`{key}`" in SECTIONS["top"] or key in SECTIONS["top"]


@pytest.mark.parametrize("line", MANUAL.long_runs)
def test_the_long_runs_take_what_the_page_gives_them(line: str) -> None:
    words = line.split()
    done = subprocess.run([sys.executable, *words[:2], "--help"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert {word for word in words if word.startswith("--")} <= {*re.findall("--[a-z]+", done.stdout)}
