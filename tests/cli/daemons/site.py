"""A `daemons.yml` of a test's own, and `ayl_daemons` about it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from tests.processes.deadline import PATIENCE, eventually
from tests.processes.servers import environment

if TYPE_CHECKING:
    from collections.abc import Callable

FOREVER = ["sleep", "1000"]

_numbers = count(1)


class Site:
    """One application with daemons of all kinds of commands."""

    def __init__(self, folder: Path, python: str = sys.executable) -> None:
        """`folder`: with a short path, for there are sockets in it. `python`: which runs the commands and keepers."""
        self.folder = folder
        self.run = folder / "run"
        self.log = folder / "log"
        self.config = folder / "daemons.yml"
        self.app = f"app{os.getpid()}x{next(_numbers)}"
        """Of no other test, so that its processes are known."""
        self._python = python
        self.daemons: dict[str, dict[str, Any]] = {}
        self.others: dict[str, Any] = {}

    def name(self, daemon: str) -> str:
        return f"{self.app}.{daemon}"

    def has(self, daemon: str, *command: str, **keys: Any) -> str:
        """One of this name, from now on; its whole name."""
        self.daemons[daemon] = {"command": [*(command or FOREVER)], "ready": "0s", "overlap": False, **keys}
        self.write()
        return self.name(daemon)

    def write(self) -> None:
        """The file, as the daemons are now."""
        app = {"path": str(self.folder), "daemons": self.daemons, **self.others}
        directories = {"run": str(self.run), "log": str(self.log), "state": str(self.folder / "state")}
        self.config.write_text(yaml.safe_dump({"directories": directories, "applications": {self.app: app}}))

    @property
    def command(self) -> list[str]:
        return [self._python, "-P", "-m", "ayl.cli.daemons"]

    def begin(self, *words: str, **settings: Any) -> subprocess.Popen[str]:
        """A command that goes on."""
        known: dict[str, Any] = {
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.STDOUT,
            "text": True,
            "errors": "replace",
            "env": self.variables,
            "cwd": "/",
        }
        return subprocess.Popen([*self.command, *words], **known | settings)

    @property
    def variables(self) -> dict[str, str]:
        return environment(AYL_DAEMONS=str(self.config))

    def says(self, *words: str, code: int = 0, **settings: Any) -> str:
        """What a command says that ends so."""
        process = self.begin(*words, **settings)
        try:
            said, _ = process.communicate(timeout=PATIENCE)
        finally:
            process.kill()
        assert process.returncode == code, f"{process.returncode}: {said}\n{self.logs()}"
        return str(said)

    def status(self, daemon: str) -> dict[str, Any]:
        """Of one, whatever it is."""
        process = self.begin("status", "--json", self.name(daemon), stderr=None)
        said, _ = process.communicate(timeout=PATIENCE)
        (found,) = json.loads(said)
        return dict(found)

    def keeper(self, daemon: str) -> int:
        return int((self.run / self.name(daemon) / "pid").read_text())

    def logs(self) -> str:
        return "\n".join(path.read_text(errors="replace") for path in self.log.glob("*.log") if path.is_file())

    def processes(self, daemon: str = "") -> list[int]:
        """All that was started for one, or all of them, and lives."""
        mark = f"AYL_DAEMON={self.name(daemon)}"
        return found(lambda text: f"{text}\0".find(mark + "\0" * bool(daemon)) >= 0, "environ")

    def keepers(self) -> list[int]:
        return found(lambda text: "ayl.daemons.keeper" in text and f"{self.run}/" in text, "cmdline")

    def close(self) -> None:
        """Let nothing stay behind, whatever happened."""
        while pids := [*self.keepers(), *self.processes()]:
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            gone = set(pids)
            eventually(lambda: not gone & {*self.keepers(), *self.processes()})  # noqa: B023 - called at once


def found(fact: Callable[[str], bool], file: str) -> list[int]:
    """The processes of which that file of /proc is so."""
    pids = []
    for path in Path("/proc").iterdir():
        if path.name.isdecimal():
            with suppress(OSError):
                if fact((path / file).read_text(errors="replace")):
                    pids.append(int(path.name))
    return pids
