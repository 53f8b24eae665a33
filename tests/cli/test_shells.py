"""Tab in bash, zsh and fish as they are, switched on as the manual says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from functools import partial
from typing import TYPE_CHECKING

import pytest

from tests.pages import Page

from .live.terminal import terminal
from .servers import KINDS, client, free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from ayl.admin import Server

FILES: dict[str, str] = {
    name: text
    for block in Page("docs/ayl_beanstalk.md").blocks
    if block.section == "Completion"
    for name, text in re.findall(r"# ~/(\S+)\n([\s\S]*)", block.text)
}
"""What the manual says is to stand in files of the home directory."""

LINES = {
    "doc": "doctor",
    "watch --sort=b": "watch --sort=buried",
    "-h 127.0.0.1:{port} move_jobs -t mail/1 sh": "-h 127.0.0.1:{port} move_jobs -t mail/1 shop/2",
    "why --port={port} -t mail/1 ": "why --port={port} -t mail/1 1",
}
"""What is typed, and what Tab makes of it."""

PATIENT = "from ayl.cli import beanstalk, completion; completion.PATIENCE = 20; beanstalk.main()"
"""The command, where a busy machine does not keep the server from answering in time."""

CALL = b'{"type":"ayl","v":1,"app":"shop","ver":"1","do":"restock","id":"","args":["socks",100]}'


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with KINDS[1].running() as started, client(started, use="mail/1", watch="shop/2") as producer:
        producer.put(CALL)
        yield started


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home directory with what the manual says, and a path with the command."""
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    command = tmp_path / "bin" / "ayl_beanstalk"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -c "{PATIENT}" "$@"\n')
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{command.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AYL_BEANSTALK_PORT", str(free_port()))
    for variable in ("XDG_CONFIG_HOME", "ZDOTDIR"):
        monkeypatch.delenv(variable, raising=False)
    return tmp_path


def on_a_terminal(shell: str, lines: dict[str, str]) -> None:
    """Type each line with Tab at its end, and see what becomes of it."""
    nowhere = {"AYL_BEANSTALK_PORT": os.environ["AYL_BEANSTALK_PORT"]}
    with terminal(command=(shell, "-i"), size=(120, 24), variables=nowhere) as shown:
        for line, completed in lines.items():
            shown.type(f"ayl_beanstalk {line}\t")
            shown.see(f"ayl_beanstalk {completed}")
            shown.type("\x15")


def in_fish(lines: dict[str, str]) -> None:
    """It says without a terminal what it would offer."""
    script = "for line in $argv; complete --do-complete $line; end"
    asked = [f"ayl_beanstalk {line}" for line in lines]
    done = subprocess.run(["fish", "-c", script, *asked], capture_output=True, text=True, check=True)
    offers = [offer.partition("\t")[0] for offer in done.stdout.splitlines()]
    expected = [completed.split(" ")[-1] for completed in lines.values()]
    assert (offers, done.stderr) == (expected, "")
    assert re.search(r"^1\t#1 ready \d+:\d\d restock\('socks', 100\)$", done.stdout, re.MULTILINE)


SHELLS: dict[str, Callable[[dict[str, str]], None]] = {
    "bash": partial(on_a_terminal, "bash"),
    "zsh": partial(on_a_terminal, "zsh"),
    "fish": in_fish,
}


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("shell", SHELLS)
def test_tab_completes_commands_choices_tubes_and_jobs(server: Server, shell: str) -> None:
    SHELLS[shell]({line.format(port=server.port): done.format(port=server.port) for line, done in LINES.items()})
