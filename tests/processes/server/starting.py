"""Servers that are found by what they say in their log, wherever they listen; and starts that come to nothing."""

from __future__ import annotations

import re
import socket
import subprocess
from contextlib import contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING

from tests.processes.deadline import PATIENCE, eventually
from tests.processes.servers import AYL_SERVER, Kind, command, environment

from .lines import Entry, entries

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path


class Started:
    """A server process that has said where it serves."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self.process = process
        self._log = log

    def log(self) -> str:
        return self._log.read_text(errors="replace")

    @property
    def addresses(self) -> list[str]:
        """As `-l` has them, with the ports that it has in the end."""
        (entry,) = (entry for entry in self._said() if entry.event == "started")
        return entry.message.partition("; ")[0].removeprefix("serving on ").split(", ")

    @property
    def page(self) -> tuple[str, int]:
        """Host and port of its page for Prometheus."""
        (entry,) = (entry for entry in self._said() if entry.event == "started")
        found = re.search(r"metrics on http://\[?([0-9.:]+?)\]?:(\d+)/metrics$", entry.message)
        assert found, entry
        return found[1], int(found[2])

    def _said(self) -> list[Entry]:
        return entries("".join(line for line in self.log().splitlines(keepends=True) if re.match(r"\d{4}-", line)))

    def dial(self, number: int = 0) -> socket.socket:
        """A connection to its n-th address."""
        address = self.addresses[number].removeprefix("tls:")
        if address.startswith("unix:"):
            client = socket.socket(socket.AF_UNIX)
            client.settimeout(PATIENCE)
            client.connect(address.removeprefix("unix:"))
            return client
        host, _, port = address.rpartition(":")
        return socket.create_connection((host.strip("[]"), int(port)), PATIENCE)

    def wait(self) -> int:
        return self.process.wait(PATIENCE)


@contextmanager
def started(
    folder: Path,
    *words: str,
    kind: Kind = AYL_SERVER,
    prefix: tuple[str, ...] = (),
    descriptors: tuple[int, ...] = (),
    variables: Mapping[str, str] = MappingProxyType({}),
    said: str = " started: ",
) -> Iterator[Started]:
    """A server that serves, as `said` in its log tells."""
    log = folder / "log"
    with (
        log.open("ab") as stream,
        subprocess.Popen(
            [*prefix, command(kind.command), *words],
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            env=environment(**kind.variables, **variables),
            pass_fds=descriptors,
        ) as process,
    ):
        try:
            server = Started(process, log)
            eventually(lambda: process.poll() is not None or said in server.log(), server.log)
            assert process.poll() is None, server.log()
            yield server
        finally:
            process.kill()


def refused(
    *words: str,
    prefix: tuple[str, ...] = (),
    descriptors: tuple[int, ...] = (),
    variables: Mapping[str, str] = MappingProxyType({}),
) -> tuple[int, str]:
    """The exit code and the one line of a start that comes to nothing."""
    done = subprocess.run(
        [*prefix, command("ayl_server"), *words],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        env=environment(**variables),
        pass_fds=descriptors,
        check=False,
    )
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("ayl_server: ")
    return done.returncode, line.removeprefix("ayl_server: ")
