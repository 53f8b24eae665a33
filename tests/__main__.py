"""The whole suite, several parts at a time: `python -m tests`, or bin/test, which installs what it needs.

Many tests wait, so there are more parts at a time than processors: half of them of those that wait, as long as there
are any, and half of those that compute. A line tells of each part that has ended; what the failed ones said comes last.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from .parts import TESTS, parts

if TYPE_CHECKING:
    from types import FrameType

    from .parts import Part

AT_ONCE = 3 * (os.cpu_count() or 1)

LAST_SECONDS = 10.0
"""For parts to end when the run is ended before its time."""


class Run:
    """One part, as a process of its own."""

    def __init__(self, part: Part, log: Path, *, waits: bool) -> None:
        self.part = part
        self.waits = waits
        self._log = log
        self._began = time.monotonic()
        with log.open("wb") as stream:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "pytest", *map(str, part.files)],
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                env=os.environ | {"AYL_TEST_COMPILED": str(int(part.compiled))},
                cwd=TESTS.parent,
                process_group=0,  # so that nothing of it is left behind when this ends before its time
            )

    def has_ended(self) -> bool:
        return self._process.poll() is not None

    def failed(self) -> bool:
        return self._process.returncode != 0

    def said(self) -> str:
        return self._log.read_text(errors="replace")

    def __str__(self) -> str:
        last = self.said().strip().rpartition("\n")[2].strip("= ")
        return f"{'FAILED ' * self.failed()}{self.part}: {last}"

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


def run_all(folder: Path, failed: list[Run]) -> None:
    """Run all; `failed` gets those that did."""
    left, running = parts(), list[Run]()
    total, began = len(left), time.monotonic()
    try:
        while left or running:
            while left and len(running) < AT_ONCE:
                waits = sum(run.waits for run in running) < AT_ONCE // 2
                running.append(Run(left.pop(0 if waits else -1), folder / f"{len(left)}.log", waits=waits))
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
