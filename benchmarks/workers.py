"""Workers as real processes, with all their children: the calls they make, their memory, what they cost."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from benchmarks.memory import resident_bytes, used_bytes
from benchmarks.meter import Account
from benchmarks.processes import end
from benchmarks.times import Times

ROOT = Path(__file__).resolve().parent.parent
LOOK_SECONDS = 0.002
COMPILED = {"PYTHONDONTWRITEBYTECODE": ""}
"""As where it is installed: what is compiled anew at each start leaves 2 MB of each process behind."""
PATIENCE = 60.0
"""Seconds that a worker may take for its first call."""


class NotWorking(Exception):
    """A worker ended, or makes no calls."""


class Workers:
    """Workers that have been started."""

    def __init__(self, started: list["subprocess.Popen[bytes]"], times: Times) -> None:
        self._started = started
        self.times = times

    def pids(self) -> set[int]:
        """All processes: the supervisor, its children and theirs."""
        parents = {}
        for path in Path("/proc").glob("[0-9]*/stat"):
            try:
                # The name in brackets may hold spaces; the parent is the second field after it.
                parents[int(path.parent.name)] = int(path.read_text().rpartition(")")[2].split()[1])
            except (FileNotFoundError, ProcessLookupError):
                continue
        found = {process.pid for process in self._started}
        while more := {pid for pid, parent in parents.items() if parent in found} - found:
            found |= more
        return found

    def cpu_seconds(self) -> float:
        return sum(Account.of(pid).cpu_seconds for pid in self.pids())

    def resident(self) -> int:
        """Bytes of all processes, what they share counted for each."""
        return resident_bytes(self.pids())

    def proportional(self) -> int:
        """Bytes of all processes, what they share counted once."""
        return sum(used_bytes(pid) for pid in self.pids())

    def until(self, calls: int, seconds: float) -> int:
        """Wait for so many calls in all, or so long; how many were made. A worker that ends is an error."""
        deadline = time.monotonic() + seconds
        while (made := self.times.count()) < calls and time.monotonic() < deadline:
            for process in self._started:
                if process.poll() is not None:
                    raise NotWorking(f"{process.args!r} ended with status {process.returncode}")
            time.sleep(LOOK_SECONDS)
        return made

    def first_call(self) -> int:
        """Wait for it; when it began, nanoseconds of the monotonic clock."""
        if not self.until(1, PATIENCE):
            raise NotWorking(f"{self._started[0].args!r} has made no call in {PATIENCE:g} s")
        return self.times.sorted()[0]


@contextmanager
def working(commands: list[list[str]], environment: Mapping[str, str], times: Path) -> Iterator[Workers]:
    """Start these workers; end them afterwards. What they say on stderr is shown if something goes wrong."""
    started: list[subprocess.Popen[bytes]] = []
    with tempfile.TemporaryFile() as said:
        try:
            for command in commands:
                started.append(_start(command, environment, said))  # noqa: PERF401 - each is to be ended, if one fails
            yield Workers(started, Times(times))
        except BaseException:
            said.seek(0)
            print(f"the worker said: {said.read().decode(errors='replace') or 'nothing'}", file=sys.stderr)
            raise
        finally:
            for process in started:
                end(process)
                # A supervisor that had to be killed leaves its children, in its group.
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)


def _start(command: list[str], environment: Mapping[str, str], said: IO[bytes]) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        command,
        cwd=ROOT,
        env=os.environ | environment | COMPILED,
        stdin=subprocess.DEVNULL,
        stdout=said,
        stderr=said,
        start_new_session=True,
    )
