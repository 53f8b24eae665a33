"""A `daemons.yml` of a test's own, with the app beside this file, and the commands about it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from ayl import configure, delivery, send_many, settings
from tests.processes.deadline import PATIENCE, eventually
from tests.processes.servers import command, environment

from .app.plant import water

if TYPE_CHECKING:
    from tests.processes.servers import Server

APP_PATH = Path(__file__).parent / "app"


class Estate:
    """The daemons of one test."""

    def __init__(self, folder: Path, server: Server) -> None:
        """`folder`: with a short path, for there are sockets in it."""
        self.folder = folder
        self.server = server
        self.app = folder / "app"
        shutil.copytree(APP_PATH, self.app, ignore=shutil.ignore_patterns("__*"))
        self.diary = folder / "diary"
        self.diary.touch()
        self.run = folder / "run"
        self.config = folder / "daemons.yml"
        self.document: dict[str, Any] = {
            "directories": {"run": str(self.run), "log": str(folder / "log"), "state": str(folder / "state")},
            "defaults": {"environment": {"PLANT_DIARY": str(self.diary)}, "log": "file"},
            "applications": {
                "plant": {
                    "path": str(self.app),
                    "name": "plant",
                    "modules": ["plant"],
                    "engine": server.url,
                    "version": {"file": "VERSION"},
                    "groups": {"beds": {"workers": 2, "threads": 4}},
                }
            },
        }
        self.release("1.0")
        self.write()

    @property
    def plant(self) -> dict[str, Any]:
        """The application, to be changed before `write`."""
        found: dict[str, Any] = self.document["applications"]["plant"]
        return found

    def write(self) -> None:
        """The file, as the document is now."""
        self.config.write_text(yaml.safe_dump(self.document))

    def release(self, version: str) -> None:
        """Deploy that version."""
        (self.app / "VERSION").write_text(f"{version}\n")

    def begin(self, *words: str, program: str = "ayl_daemons", **variables: str) -> subprocess.Popen[str]:
        """A command that goes on. `variables`: of its environment, besides ours."""
        return subprocess.Popen(
            [command(program), *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=environment(
                AYL_DAEMONS=str(self.config), PLANT_DIARY=str(self.diary), AYL_ENGINE=self.server.url, **variables
            ),
            cwd=self.app,
        )

    def says(self, *words: str, code: int = 0, program: str = "ayl_daemons") -> str:
        """What a command says that ends so."""
        process = self.begin(*words, program=program)
        said, _ = process.communicate(timeout=2 * PATIENCE)
        assert process.returncode == code, f"{process.returncode}: {said}\n{self.logs()}"
        return said

    def send(self, version: str, numbers: range, seconds: float = 0.0) -> None:
        """A call for each number, as that version sends: once, however slow the server is just now."""
        configure(app="plant", version=version, engine=self.server.url, send_timeout=60.0)
        send_many((water, number, seconds) for number in numbers)

    def status(self, *names: str) -> dict[str, Any]:
        """By name, whatever it is."""
        process = self.begin("status", "--json", *names)
        said, _ = process.communicate(timeout=PATIENCE)
        return {daemon["name"]: daemon for daemon in json.loads(said)}

    def logs(self) -> str:
        return "\n".join(path.read_text(errors="replace") for path in sorted((self.folder / "log").glob("*.log")))

    def done(self) -> list[tuple[int, str]]:
        """Number and version of each call that was made, in order."""
        lines = [line.split() for line in self.diary.read_text().splitlines()]
        return [(int(number), version) for number, version, _ in lines]

    def has_made(self, numbers: range) -> bool:
        """Whether all of these calls were made."""
        return self.diary.read_bytes().count(b"\n") >= len(numbers) and {one for one, _ in self.done()} >= {*numbers}

    def jobs(self) -> list[int]:
        """The job of each call that was made, in order."""
        return [int(line.split()[2]) for line in self.diary.read_text().splitlines()]

    def processes(self) -> list[int]:
        """Everything that runs because of it: it has our folder in its command line or its environment."""
        return [pid for pid in _numbers() if pid != os.getpid() and self._is_ours(pid)]

    def _is_ours(self, pid: int) -> bool:
        mark = str(self.folder).encode()
        with suppress(OSError):
            process = Path(f"/proc/{pid}")
            if "keeper" in (words := (process / "cmdline").read_bytes().decode(errors="replace")):
                return str(self.run) in words
            return b"AYL_DAEMON=" in (found := (process / "environ").read_bytes()) and mark in found
        return False

    def kill_everything(self) -> None:
        """As a power cut does."""
        while found := self.processes():
            for pid in found:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            eventually(lambda: not set(found) & set(self.processes()))

    def close(self) -> None:
        """Let nothing stay behind, whatever happened."""
        delivery.close()
        settings.reset()
        with suppress(subprocess.TimeoutExpired):
            self.begin("stop").communicate(timeout=PATIENCE)
        self.kill_everything()


def _numbers() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal()]
