"""The whole suite, several parts at a time: `python -m tests`, or bin/test, which installs what it needs.

Many tests wait, so there are more parts at a time than processors: half of them of those that wait, as long as there
are any, and half of those that compute. The server is compiled beside the first, and tested compiled from then on. A
line tells of each part that has ended; what the failed ones said comes last.
"""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from .parts import TESTS, Compiling, parts

if TYPE_CHECKING:
    from types import FrameType

    from .parts import Part

AT_ONCE = 3 * (os.cpu_count() or 1)

LAST_SECONDS = 10.0
"""For parts to end when the run is ended before its time."""


class Run:
    """One part, as a process of its own."""

    def __init__(self, part: Part | Compiling, log: Path, *, waits: bool) -> None:
        self.part = part
        self.waits = waits
        self._log = log
        self._used = 0.0  # seconds of CPU, with all that it has started and waited for
        with log.open("wb") as stream:
            self._process = subprocess.Popen(
                [sys.executable, "-m", *part.words],
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                env=os.environ | {"AYL_TEST_COMPILED": str(int(part.compiled))},
                cwd=TESTS.parent,
                process_group=0,  # so that nothing of it is left behind when this ends before its time
            )

    def has_ended(self) -> bool:
        if self._process.returncode is None:
            before = _used()
            if self._process.poll() is not None:
                self._used = _used() - before
        return self._process.returncode is not None

    def failed(self) -> bool:
        return self._process.returncode != 0

    def said(self) -> str:
        return self._log.read_text(errors="replace")

    def __str__(self) -> str:
        last = self.said().strip().rpartition("\n")[2].strip("= ")
        return f"{'FAILED ' * self.failed()}{self.part}: {last}; {self._used:.0f} s of CPU"

    def interrupt(self) -> None:
        """Its fixtures end what they have started."""
        self._process.send_signal(signal.SIGINT)

    def kill(self, at: float) -> None:
        """Unless it has ended by then, of the monotonic clock."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(max(0.0, at - time.monotonic()))
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


def _used() -> float:
    """Seconds of CPU of all processes that have ended and were waited for."""
    found = resource.getrusage(resource.RUSAGE_CHILDREN)
    return found.ru_utime + found.ru_stime


def run_all(folder: Path, failed: list[Run]) -> None:
    """Run all; `failed` gets those that did."""
    left, running = parts(), list[Run]()
    total, began = len(left), time.monotonic()
    try:
        if any(part.compiled for part in left):
            total += 1
            running.append(Run(Compiling(), folder / "compiling.log", waits=False))
        while left or running:
            while len(running) < AT_ONCE and (ready := _ready(left, running)):
                waits = sum(run.waits for run in running) < AT_ONCE // 2
                part = ready[0 if waits else -1]
                left.remove(part)
                running.append(Run(part, folder / f"{len(left)}.log", waits=waits))
            time.sleep(0.05)
            for ended in [run for run in running if run.has_ended()]:
                running.remove(ended)
                failed += [ended] * ended.failed()
                done = total - len(left) - len(running)
                tell(f"{time.monotonic() - began:4.0f} s {done:3}/{total} {ended}")
    finally:
        interrupted = time.monotonic()
        for run in running:
            run.interrupt()
        for run in running:
            run.kill(at=interrupted + LAST_SECONDS)


def _ready(left: list[Part], running: list[Run]) -> list[Part]:
    """What can begin: no test of the compiled server until there is one."""
    compiling = any(isinstance(run.part, Compiling) for run in running)
    return [part for part in left if not (part.compiled and compiling)]


def tell(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def end(number: int, _: FrameType | None) -> None:
    """By an exception, so that what runs is ended too."""
    sys.exit(128 + number)


def main() -> None:
    """Exit code 1 if any part failed."""
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, end)
    with TemporaryDirectory(prefix="ayl-tests-") as folder:
        failed: list[Run] = []
        try:
            run_all(Path(folder), failed)
        finally:
            for each in failed:
                tell(f"\n\n{each.said()}\n{each}")
        tell(f"\n{len(failed)} parts failed" if failed else "\nAll parts passed")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
