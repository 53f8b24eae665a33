"""docs/server.md is true: each of its commands is run, with the test's own paths and ports; long runs are shorter.

What needs a system that was booted by systemd is not run as it stands: the old server gets the signal it would get.
"""

from __future__ import annotations

import re
import shlex
import signal
import subprocess
import sys
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

import greenstalk
import pytest
import trustme

from tests.pages import ROOT, Page
from tests.processes.servers import BEANSTALKD, HOST, environment, serving
from tests.shop import installed

from .certificates import Certificates
from .starting import Started, started

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MANUAL = Page("docs/server.md")

COMMANDS = [command.partition("#")[0].strip() for command in MANUAL.commands]

SHORTER = {
    "0:20000": "0:20",
    "0:1000": "0:2",
    "400": "60",
    "100": "2",
    "600": "1",
}
"""Numbers of the long runs, and what they are here."""


def client(server: Started, number: int = 0) -> greenstalk.Client[bytes]:
    return greenstalk.Client(server.dial(number), encoding=None)


def take_the_old_one_s_place(folder: Path, stop: str, install: str, begin: str) -> None:
    assert stop == "systemctl stop beanstalkd.socket beanstalkd"
    (folder / "var/lib/beanstalkd").mkdir(parents=True)
    with serving(BEANSTALKD, folder, "-b", str(folder / "var/lib/beanstalkd"), tcp=False) as old:
        with old.client() as there:
            there.put(b"old")
        old.gets(signal.SIGTERM)
        old.wait()
    subprocess.run(inside(folder, install), check=True)
    with started(folder, *inside(folder, begin)[1:], "-p0") as server, client(server) as here:
        assert here.reserve(timeout=0).body == b"old"


def keep_jobs(folder: Path, *begins: str) -> None:
    (folder / "DIR").mkdir()
    for number, begin in enumerate(begins):
        program, *words = begin.replace("DIR", str(folder / "DIR")).split()
        assert program == "ayl_server"
        with started(folder, *words, "-p0") as server, client(server) as here:
            assert here.stats()["current-jobs-ready"] == number
            here.put(b"one more")
        (folder / "log").unlink()


def listen(folder: Path, several: str, observed: str, secured: str) -> None:
    (folder / "run/ayl_server").mkdir(parents=True)
    with started(folder, *inside(folder, several)[1:], "-p0") as server:
        for number in range(2):
            with client(server, number) as here:
                assert here.stats()["current-jobs-ready"] == 0
        assert (folder / "run/ayl_server/socket").stat().st_mode & 0o777 == 0o660
    with started(folder, *observed.replace("11380", "0").split()[1:], "-p0", said='"event": "started"') as server:
        assert '"event": "started"' in server.log()
    (folder / "log").unlink()
    authority = trustme.CA()
    made = Certificates(authority, folder)
    for name, path in (("server.pem", made.certificate), ("server.key", made.key), ("clients.pem", made.ca)):
        secured = secured.replace(name, str(path))
    with started(folder, *secured.split()[1:], "-p0") as server, ExitStack() as stack:
        port = int(server.addresses[0].rpartition(":")[2])
        assert server.addresses == [f"tls:0.0.0.0:{port}"]
        raw = stack.enter_context(closing(server.dial()))
        inner = stack.enter_context(closing(made.client(authority).wrap_socket(raw, server_hostname=HOST)))
        inner.sendall(b"list-tube-used\r\n")
        assert inner.recv(100) == b"USING default\r\n"


def compile_it(folder: Path, install: str, build: str) -> None:
    assert install == 'pip install "ayl[speed]"'
    assert "mypy" in installed(install)
    program, *words = build.split()
    assert program == "python"
    done = subprocess.run([sys.executable, *words], cwd=ROOT, env=environment(), capture_output=True, text=True)  # noqa: PLW1510
    assert done.returncode == 0, done.stderr
    assert "ayl_server/built/" in done.stdout


def inside(folder: Path, line: str) -> list[str]:
    """The words of a command, with the machine's directories put into ours."""
    return [re.sub(r"(^|:)(/(?:var|run)/)", rf"\1{folder}\2", word) for word in shlex.split(line)]


@pytest.mark.parametrize(
    ("follow", "number"),
    [(take_the_old_one_s_place, 3), (keep_jobs, 3), (listen, 3), (compile_it, 2)],
    ids=["in its place", "durability", "operation", "speed"],
)
def test_the_manual_s_commands_do_what_it_says(follow: Callable[..., None], number: int, tmp_path: Path) -> None:
    first = {take_the_old_one_s_place: 0, keep_jobs: 3, listen: 6, compile_it: 9}[follow]
    follow(tmp_path, *COMMANDS[first : first + number])


def test_the_manual_has_no_other_commands() -> None:
    assert len(COMMANDS) == 11
    assert len(MANUAL.long_runs) == 4


@pytest.mark.parametrize("line", MANUAL.long_runs)
def test_the_manual_s_long_runs_can_be_begun(line: str) -> None:
    words = [SHORTER.get(word, word) for word in line.split()]
    assert words != line.split()
    done = subprocess.run(
        [sys.executable, *words], cwd=ROOT, env=environment(), capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
