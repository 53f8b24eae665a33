"""Where a page is followed: a directory with a server and workers of its own.

The one thing that is changed is the port, because another server may have the default one.
"""

from __future__ import annotations

import doctest
import os
import re
import shlex
import subprocess
import sys
import time
from importlib.metadata import requires, version
from pathlib import Path
from typing import TYPE_CHECKING

import greenstalk
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

BIN = Path(sys.executable).parent
PATIENCE = 60.0
"""Seconds, of a machine that does much else; never waited for when all is well."""


class Shop:
    """The directory in which a page is followed, its server and its worker."""

    def __init__(self, directory: Path, port: int, commands: Path = BIN) -> None:
        """`commands`: the directory with Python's and ours."""
        self.directory = directory
        self.port = port
        self.commands = commands
        self.background: list[subprocess.Popen[str]] = []
        # As after the README's `. .venv/bin/activate`, which has a test of its own.
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("AYL_")} | {
            "PATH": f"{commands}{os.pathsep}{os.environ['PATH']}",
            "AYL_ENGINE": f"beanstalk://127.0.0.1:{port}",
            "AYL_BEANSTALK_PORT": str(port),
        }

    def install(self, command: str) -> None:
        """`pip install …`: what it names is there, for the tests' own environment has everything."""
        installed(command)

    def run(self, command: str) -> str:
        """What the command prints; one that ends in & goes on in the background."""
        if command == "ayl_server &":
            command = f"ayl_server -p {self.port} &"
        words = shlex.split(command)
        if words[-1] != "&":
            return self._output(words)
        with (self.directory / f"{words[0]}.log").open("a") as log:
            started = subprocess.Popen(
                words[:-1], cwd=self.directory, env=self.environment, stdout=log, stderr=log, text=True
            )
        self.background.append(started)
        if words[0] == "ayl_server":
            self._wait_for_server()
        elif words[0] == "ayl_worker":  # who makes tables when imported must not meet another who does
            self.wait_until("takes jobs from", log="ayl_worker")
        return ""

    def python(self, text: str) -> str:
        """What this code prints."""
        return self._output(["python", "-c", text])

    def session(self, text: str, setting: str = "") -> None:
        """What is answered at the prompt is what the page shows; `setting` is Python that comes before."""
        assert doctest.DocTestParser().get_examples(text)
        (self.directory / "session.txt").write_text(text)
        play = f"doctest.testfile('session.txt', False, optionflags={doctest.ELLIPSIS})"
        self.python(f"{setting}\nimport doctest, sys; sys.exit({play}.failed)")

    def _output(self, words: list[str]) -> str:
        done = subprocess.run(
            words,
            cwd=self.directory,
            env=self.environment,
            check=False,
            stdout=subprocess.PIPE,
            text=True,
            timeout=PATIENCE,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    def log(self, name: str) -> str:
        return (self.directory / f"{name}.log").read_text()

    def wait_until(self, what: str, *, log: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while what not in self.log(log):
            assert time.monotonic() < deadline, f"{what!r} is not in the log of {log}:\n{self.log(log)}"
            time.sleep(0.02)

    def close(self) -> None:
        """End what goes on in the background, the server last."""
        for process in reversed(self.background):
            process.terminate()
            process.wait(PATIENCE)

    def _wait_for_server(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                greenstalk.Client(("127.0.0.1", self.port)).close()
            except ConnectionRefusedError:
                assert time.monotonic() < deadline
                time.sleep(0.01)
            else:
                return


@pytest.fixture
def shop(tmp_path: Path, free_port: int) -> Iterator[Shop]:
    shop = Shop(tmp_path, free_port)
    yield shop
    shop.close()


def installed(command: str) -> set[str]:
    """What the extras bring along that a `pip install …` names. All this, and all that it names, must be here."""
    pip, install, *requirements = shlex.split(command)
    assert (pip, install) == ("pip", "install")
    brought = set()
    for requirement in requirements:
        name, _, extra = requirement.removesuffix("]").partition("[")
        assert version(name)
        if extra:
            lines = [line for line in requires(name) or () if re.search(rf"extra == .{extra}.$", line)]
            assert lines, requirement
            brought |= {re.split(r"[^\w-]", line)[0].lower() for line in lines}
    for name in brought:
        assert version(name)
    return brought
