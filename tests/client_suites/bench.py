"""Where one suite is run: its directory, its server, and the places that its texts name."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING

from tests.processes.servers import HOST, command, free_port, serving

from .outcome import NoServerError, NotRunError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tests.processes.servers import Kind

    from .suite import Command, Edit

PORTS = 3
"""How many neighbouring ports a suite may use that starts servers itself."""

INHERITED = ("LANG", "LC_ALL", "TERM", "TZ", "PYENV_VERSION")
"""What strangers' tests see of our environment: nothing with a secret in it."""


class Bench:
    """A directory of its own for one suite against one kind of server."""

    def __init__(self, folder: Path, package: Path, kind: Kind, python2: str | None) -> None:
        self.package = package
        self.kind = kind
        self.log = folder / "output.log"
        self.report = folder / "report.xml"
        self.folder = folder
        shims = folder / "shims"
        shims.mkdir()
        # Suites that start a server call it by this name; a link costs no time, and some wait for 0.1 s only.
        (shims / "beanstalkd").symlink_to(command(kind.command))
        (folder / "pytest.ini").write_text("[pytest]\n")
        self.places = {
            "beanstalkd": str(shims / "beanstalkd"),
            "shims": str(shims),
            "folder": str(folder),
            "report": str(self.report),
            "libraries": str(folder / "libraries"),
            "python": sys.executable,
            "python2": python2 or "",
        }

    def fill(self, text: str, **more: str) -> str:
        """The text with its places. No str.format: program text is full of braces that mean something else."""
        for name, value in (self.places | more).items():
            text = text.replace(f"{{{name}}}", value)
        return text

    def command(self, words: Command, **more: str) -> list[str]:
        return [self.fill(word, **more) for word in words]

    def edit(self, edit: Edit) -> None:
        path = self.package / edit.path
        text = path.read_text()
        if edit.old not in text:
            raise NotRunError(f"{edit.path} does not say {edit.old!r} any more")
        path.write_text(text.replace(edit.old, self.fill(edit.new)))

    @contextmanager
    def server(self) -> Iterator[None]:
        """A fresh server, whose port the texts may name."""
        folder = self.folder / "server"
        folder.mkdir(exist_ok=True)
        with ExitStack() as stack:
            try:
                server = stack.enter_context(serving(self.kind, folder))
            except AssertionError as error:
                raise NoServerError(str(error)) from None
            self.places["port"] = str(server.port)
            yield

    def choose_ports(self) -> None:
        """Ports for the servers that a suite starts itself."""
        first = free_ports()
        self.places |= {"port": str(first), "port1": str(first + 1)}

    def run(self, words: list[str], variables: Mapping[str, str], seconds: float) -> int | None:
        """The exit code of the command; None if it had to be ended. Whatever it started ends with it."""
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                words,
                cwd=self.package,
                env=self._environment(variables),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
            try:
                return process.wait(seconds)
            except subprocess.TimeoutExpired:
                return None
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def _environment(self, variables: Mapping[str, str]) -> dict[str, str]:
        inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
        path = f"{self.places['shims']}{os.pathsep}{os.environ['PATH']}"
        own = {name: self.fill(text) for name, text in variables.items()}
        return {"PATH": path, "HOME": str(self.folder), "TMPDIR": str(self.folder), **inherited, **own}


def free_ports() -> int:
    """The first of some neighbouring ports that nothing listens on."""
    for _ in range(100):
        first = free_port()
        with suppress(OSError, OverflowError), ExitStack() as stack:
            for port in range(first, first + PORTS):
                stack.enter_context(socket.create_server((HOST, port)))
            return first
    raise NotRunError(f"there are no {PORTS} free ports side by side")
