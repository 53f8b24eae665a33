"""What units allow is enough for what they run: the tests play systemd."""

from __future__ import annotations

import os
import re
import shlex
import signal
import socket
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from . import confined
from .applications import Application
from .installation import Installation, as_root, eventually, processes, put
from .root import AS_ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .package import Package

pytestmark = pytest.mark.timeout(900)  # another test of this machine may come first

WATCHDOG_USEC = 400_000

USER = "mail"

CONFIGURATION = """\
server: {{listen: [127.0.0.1], port: {port}, user: ayl}}
applications:
  clock:
    path: /
    user: daemon
    daemons:
      tick: {{command: [sleep, "1000"], ready: 0.2}}
{shop}"""


class Unit:
    """One that is installed, with its drop-in."""

    def __init__(self, name: str, directory: Path) -> None:
        template = re.sub("@.*[.]", "@.", name)
        drop_in = directory / f"{name}.d" / "10-daemons.conf"
        text = Path("/usr/lib/systemd/system", template).read_text() + (drop_in.read_text() if drop_in.exists() else "")
        self._instance = name.partition("@")[2].removesuffix(".service")
        self._lines = [line for line in text.splitlines() if "=" in line and not line.startswith("#")]

    def values(self, key: str) -> list[str]:
        """All of a key, but those before it was emptied."""
        found: list[str] = []
        for name, value in (line.split("=", 1) for line in self._lines):
            if name == key:
                found = [*found, value.replace("%i", self._instance)] if value else []
        return found

    def command(self, key: str) -> list[str]:
        (line,) = self.values(key)
        return [word for word in shlex.split(line) if not word.startswith("$")]

    def calls(self) -> set[str]:
        """The system calls that it may make."""
        found: set[str] = set()
        for word in " ".join(self.values("SystemCallFilter")).split():
            named = members(word.lstrip("~"))
            found = found - named if word.startswith("~") else found | named
        return found


def members(group: str) -> set[str]:
    """What systemd has in a group of system calls; and what it allows whatever is said."""
    shown = subprocess.run(
        ["systemd-analyze", "syscall-filter", group], capture_output=True, text=True, check=True
    ).stdout.split("\n")[1:]
    words = [line.strip() for line in shown if line.strip() and not line.strip().startswith("#")]
    return {call for word in words for call in (members(word) if word.startswith("@") else {word})}


class Systemd:
    """Hears what a service says."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "notify"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(self.path))
        self.path.chmod(0o777)
        self._socket.setblocking(False)
        self.heard: list[str] = []

    def has_heard(self, word: str) -> bool:
        while True:
            try:
                self.heard += self._socket.recv(4096).decode().splitlines()
            except BlockingIOError:
                return word in self.heard

    def forget(self) -> None:
        self.heard.clear()

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def systemd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Systemd]:
    directory = Path(as_root("mktemp", "-d", "/run/ayl-test-XXXXXX").stdout.strip())
    as_root("chown", str(os.getuid()), str(directory))
    as_root("chmod", "755", str(directory))
    made = Systemd(directory)
    yield made
    made.close()
    as_root("rm", "-r", str(directory))


@contextmanager
def started(unit: Unit, systemd: Systemd) -> Iterator[subprocess.Popen[bytes]]:
    """Its main process, confined."""
    user = unit.values("User")[-1]
    for line in unit.values("ExecStartPre"):
        assert line.startswith("+")
        done = as_root(*shlex.split(line.lstrip("+")))
        assert done.returncode == 0, done.stderr
    for path in unit.values("StateDirectory"):
        as_root("install", "-d", "-o", user, f"/var/lib/{path}")
    calls = ",".join(sorted(unit.calls() | members("@default")))
    variables = {"NOTIFY_SOCKET": systemd.path, "WATCHDOG_USEC": WATCHDOG_USEC, "PATH": "/usr/bin:/bin"}
    words = ["env", *(f"{name}={value}" for name, value in variables.items()), "/usr/bin/python3.11", "-"]
    program = Path(confined.__file__).read_text()
    process = subprocess.Popen(
        [*AS_ROOT, *words, user, calls, *unit.command("ExecStart")], stdin=subprocess.PIPE, cwd="/"
    )
    assert process.stdin is not None
    process.stdin.write(program.encode())
    process.stdin.close()
    try:
        yield process
    finally:
        as_root("kill", f"-{signal.SIGTERM:d}", str(process.pid))
        assert process.wait(30) == 0


@pytest.fixture
def shop(installation: Installation, package: Package, free_port: int) -> Iterator[Application]:
    """The package is installed, and there is an application."""
    installation.install(package)
    home = Path(as_root("mktemp", "-d", "/srv/ayl-test-XXXXXX").stdout.strip())
    as_root("chmod", "755", str(home))
    try:
        made = Application(home, "shop", USER, free_port)
        put("/etc/ayl/daemons.yml", CONFIGURATION.format(port=free_port, shop=made.section()))
        yield made
    finally:
        as_root("rm", "-r", str(home))


@pytest.fixture
def units(shop: Application, tmp_path: Path) -> Path:
    """What the generator makes of that."""
    done = as_root("/usr/lib/systemd/system-generators/ayl-generator", str(tmp_path / "generator"))
    assert (done.returncode, done.stderr) == (0, "")
    return tmp_path / "generator"


@pytest.mark.parametrize("name", ["ayl-server.service", "ayl-worker@clock.tick.service"])
def test_a_daemon_of_the_file_works_and_tells_how_it_is(name: str, units: Path, systemd: Systemd) -> None:
    unit = Unit(name, units)
    with started(unit, systemd) as process:
        eventually("it is ready", lambda: systemd.has_heard("READY=1"))
        systemd.forget()
        eventually("it gives signs of life", lambda: systemd.has_heard("WATCHDOG=1"))
        user = unit.values("User")[-1]
        assert Path(f"/proc/{process.pid}").owner() == user
        (reload,) = unit.values("ExecReload")
        done = as_root(*shlex.split(reload.lstrip("+")))
        assert (done.returncode, "unchanged" in done.stdout) == (0, True), done
    assert systemd.has_heard("STOPPING=1")
    assert processes() == []


def test_workers_make_calls(units: Path, systemd: Systemd, shop: Application) -> None:
    with started(Unit("ayl-server.service", units), systemd):
        eventually("the server is ready", lambda: systemd.has_heard("READY=1"))
        systemd.forget()
        with started(Unit("ayl-worker@shop.calls.service", units), systemd):
            eventually("the workers are ready", lambda: systemd.has_heard("READY=1"))
            shop.send(1, 2)
            eventually("the calls are made", lambda: shop.has_made(1, 2))
    assert processes(("/opt/ayl/", str(shop.directory))) == []


def test_a_server_that_is_not_in_the_file_works_as_well(units: Path, systemd: Systemd) -> None:
    unit = Unit("ayl-server.service", Path("/nowhere"))
    with started(unit, systemd):
        eventually("it is ready", lambda: systemd.has_heard("READY=1"))
        systemd.forget()
        eventually("it gives signs of life", lambda: systemd.has_heard("WATCHDOG=1"))
    assert systemd.has_heard("STOPPING=1")
