"""The package on this machine's own `/`, with a database of packages of its own; one at a time, never left there."""

from __future__ import annotations

import fcntl
import os
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .root import AS_ROOT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .package import Package

LOCK = Path("/tmp/ayl-installation.lock")  # noqa: S108 - the one place that every user of the machine can lock

PLACES = {
    "/etc": 4,
    "/opt": 1,
    "/run": 2,
    "/usr/bin": 1,
    "/usr/lib/systemd": 3,
    "/usr/lib/sysusers.d": 1,
    "/usr/lib/tmpfiles.d": 1,
    "/usr/libexec": 1,
    "/usr/share/doc": 1,
    "/usr/share/licenses": 1,
    "/var/lib": 1,
}
"""Where a package puts things, and how deep to look."""

OTHERS = ("ayl-test-", "ayl-installation.lock")
"""What other tests have there."""

LOGS = Path("/var/log/ayl")
"""Daemons that root starts without a package, in other tests, have their logs there too."""

OUR_LOGS = ("server.", "clock.", "desk.", "shop.")
"""How the names of those begin that the tests of the package make."""

USER = "ayl"

ON_DEBIAN = ("--force-debian",) if Path("/etc/debian_version").exists() else ()
"""Debian's rpm would rather not."""


class Installation:
    """What rpm does for us."""

    def __init__(self, database: Path) -> None:
        """Waits until no other test has one. AssertionError where the machine has ayl for other reasons."""
        self.database = database
        self._lock = os.open(LOCK, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX)
            found = self.traces()
            assert found == [], f"this machine has {found}, of another installation; the test would remove them"
        except BaseException:
            os.close(self._lock)
            raise
        self._had_user = _succeeds("getent", "passwd", USER)
        self._had_logs = LOGS.exists()
        self._others = {*_names(LOGS)}

    def install(self, package: Package) -> str:
        return self._rpm("--install", str(package.path))

    def upgrade(self, package: Package) -> str:
        return self._rpm("--upgrade", str(package.path))

    def remove(self) -> str:
        return self._rpm("--erase", "ayl")

    def is_installed(self) -> bool:
        return _succeeds("rpm", "--dbpath", str(self.database), "--query", "ayl")

    def traces(self) -> list[str]:
        """Whatever has our name, of files and directories, of processes and boot links; but no logs."""
        found: list[str] = []
        for place, depth in PLACES.items():
            words = [
                "find",
                place,
                "-xdev",
                "-maxdepth",
                str(depth),
                "(",
                "-name",
                "*ayl[-_.@]*",
                "-o",
                "-name",
                "*ayl",
                ")",
            ]
            done = subprocess.run([*AS_ROOT, *words], capture_output=True, text=True, check=False)
            found += done.stdout.splitlines()
        return sorted(path for path in found if not Path(path).name.startswith(OTHERS)) + processes()

    def logs(self) -> list[str]:
        """The names of those that its daemons have made."""
        return sorted(name for name in {*_names(LOGS)} - self._others if name.startswith(OUR_LOGS))

    def close(self) -> None:
        """Remove it, however it is."""
        try:
            if self.is_installed():
                self.remove()
        finally:
            for process in processes():
                subprocess.run([*AS_ROOT, "kill", "-KILL", process.split()[0]], check=False)
            for path in self.traces():
                subprocess.run([*AS_ROOT, "rm", "-rf", path], check=True)
            for name in self.logs():
                as_root("rm", str(LOGS / name))
            if not self._had_logs and LOGS.exists():
                as_root("rmdir", "--ignore-fail-on-non-empty", str(LOGS))
            if not self._had_user and _succeeds("getent", "passwd", USER):
                subprocess.run([*AS_ROOT, "userdel", USER], check=True, capture_output=True)
            os.close(self._lock)

    def _rpm(self, *words: str) -> str:
        done = as_root("rpm", "--dbpath", str(self.database), "--nodeps", *words, *ON_DEBIAN)
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr


def as_root(*words: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run that, from a shell that has nothing of ours."""
    environment = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
    return subprocess.run(
        [*AS_ROOT, *words], capture_output=True, text=True, check=False, env=environment, cwd="/", **options
    )


def put(path: str, text: str) -> None:
    """As root's file."""
    done = as_root("tee", path, input=text)
    assert done.returncode == 0, done.stderr


def processes(marks: Sequence[str] = ("/opt/ayl/",)) -> list[str]:
    """`PID COMMAND` of all that runs of the package, or has one of the marks in its command line."""
    found = []
    for directory in Path("/proc").glob("[0-9]*"):
        try:
            words = (directory / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue  # it has ended
        if any(mark.encode() in word for mark in marks for word in words[:3]):
            found.append(f"{directory.name} {b' '.join(words).decode(errors='replace').strip()}")
    return sorted(found)


def eventually(what: str, holds: Any, seconds: float = 30.0) -> None:
    """Wait until it does."""
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, what
        time.sleep(0.05)


def _names(directory: Path) -> list[str]:
    return [path.name for path in directory.iterdir()] if directory.exists() else []


def _succeeds(*words: str) -> bool:
    return subprocess.run([*AS_ROOT, *words], capture_output=True, check=False).returncode == 0
