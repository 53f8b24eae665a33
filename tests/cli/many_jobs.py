"""Every command on a server that has very many jobs: `python -m tests.cli.many_jobs --jobs 100000`.

Each runs to its end, and the memory that it takes is held against what it takes where there are few jobs. Those that
may take long show on a terminal how far they are, and are run once more and interrupted in the midst: then what they
report has to be what the server counts.
"""

from __future__ import annotations

import argparse
import json
import os
import pty
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ayl.cli import ExitCode

from .gate import gate
from .live.terminal import terminal
from .long_commands import LONG, Counts, Long, moved
from .matrix import MATRIX
from .scenes import STATES, Scene, fresh
from .servers import KINDS, Kind, client, wait_until
from .test_beanstalk import environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ayl.admin import Server

COMMAND = """
import atexit, os
atexit.register(lambda: os.write(int(os.environ["PEAK"]), open("/proc/self/status", "rb").read()))
from ayl.cli.beanstalk import main
main()
"""
"""It says itself how much memory it took; what the kernel says afterwards begins with that of the parent."""

FEW = 30
"""Jobs of a server that has few."""

GROWTH = 16 << 20
"""Bytes of memory that a command may take more than with few jobs."""

KEPT = {"spool list": 2048, "spool drain": 256}
"""The same for each call: all are shown in one table, or their ids remembered so that none is put twice."""


@dataclass(frozen=True)
class Run:
    """What was seen of a command that was run at a terminal."""

    code: int
    told: str
    """On stdout."""
    shown: str
    """On the terminal, where it tells how far it is."""
    seconds: float
    cpu: float
    """Seconds of the processor."""
    peak: int
    """Bytes of memory."""


class Running:
    """A command as a process, with a terminal for what it tells beside its result."""

    def __init__(self, scene: Scene, server: Server, name: str, *words: str) -> None:
        ours, theirs = pty.openpty()
        self._screen = ours
        self._status, status = os.pipe()
        self._begun = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, "-c", COMMAND, "-h", str(server), "-t", scene.tube, *name.split(), *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=theirs,
            env=environment(TERM="xterm", AYL_APP=scene.app, PEAK=str(status)),
            pass_fds=[status],
        )
        os.close(theirs)
        os.close(status)
        self._shown = b""

    def ended(self) -> Run:
        """When it has, and all that it wrote has been read."""
        screen = threading.Thread(target=self._read)
        screen.start()
        assert self.process.stdout is not None
        with self.process.stdout as stdout:
            told = stdout.read().decode()
        _, status, used = os.wait4(self.process.pid, 0)
        self.process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.monotonic() - self._begun
        screen.join()
        os.close(self._screen)
        with os.fdopen(self._status) as told_last:
            peak = peak_in(told_last.read())
        cpu = used.ru_utime + used.ru_stime
        return Run(self.process.returncode, told, self._shown.decode(), seconds, cpu, peak)

    def _read(self) -> None:
        try:
            while said := os.read(self._screen, 65536):
                self._shown += said
        except OSError:  # nobody has the other end any more
            return


def peak_in(status: str) -> int:
    """The most bytes of memory that a process has had."""
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) << 10


def run(scene: Scene, server: Server, name: str, *words: str) -> Run:
    return Running(scene, server, name, *words).ended()


def interrupted(scene: Scene, long: Long, most: int) -> str:
    """Ctrl-C in the midst; what was reported then, if it is true."""
    with gate(scene.server, most) as (server, halfway):
        if long.name == "spool drain":
            scene.keep(server)
        before, total = scene.counts, scene.total
        running = Running(scene, server, long.name, *long.words(scene), "--json")
        wait_until(lambda: halfway.reached.is_set() or running.process.poll() is not None, 600)
        assert halfway.reached.is_set(), f"{long.name} has ended"
        running.process.send_signal(signal.SIGINT)
        halfway.opened.set()
        done = running.ended()
    assert done.code == ExitCode.INTERRUPTED, done
    assert "\r" in done.shown, f"{long.name} did not tell how far it was"
    found = json.loads(done.told)
    check(scene, long, found, before, total)
    return brief(found, long)


def brief(found: Any, long: Long) -> str:
    """The numbers of a report."""
    if long.name == "search":
        assert 0 < found["looked_at"] < found["there"]
        return f"looked at {found['looked_at']:,} of {found['there']:,}"
    if long.name == "migrate":
        return f"moved {moved(found):,}"
    if "done" in found:
        return f"{len(found['done']):,} done"
    return ", ".join(
        f"{name} {value if isinstance(value, dict) else f'{value:,}'}"
        for name, value in found.items()
        if name in ("jobs", "moved", "delivered", "left", *STATES)
    )


def completed(scene: Scene, long: Long, start: Callable[[Server, Sequence[str]], tuple[int, str]]) -> int:
    """To its end, and what was reported then, if it is true. The bytes of answers that it took."""
    with gate(scene.server) as (server, counter):
        if long.name == "spool drain":
            scene.keep(server)
        before, total = scene.counts, scene.total
        code, told = start(server, [*long.name.split(), *long.words(scene), "--json"])
    assert code == ExitCode.OK, told
    check(scene, long, json.loads(told), before, total)
    return counter.passed


def check(scene: Scene, long: Long, found: Any, before: Counts, total: int) -> None:
    """Whether the report is true."""
    assert scene.counts == long.left(before, found), (long.name, before, scene.counts, found)
    assert scene.total == total + long.on_server(found), (long.name, total, scene.total, found)


IDS = {"job_statistics", "peek_job"}
"""They take ids, and are given those of all ready jobs."""


def usual(scene: Scene, name: str) -> list[str]:
    """The words of the matrix for a command that is done soon, or that takes ids."""
    if name in IDS:
        return scene.ids["ready"]
    places = {"code": scene.folder, "spool": scene.spool, "nothing": scene.folder / "nothing"}
    words = [word.format(ready=scene.ids["ready"][0], version="1", **places) for word in MATRIX[name].words]
    return [*words, "-t", ""] if name == "doctor" else words


def at_a_screen(scene: Scene) -> int:
    """The bytes of memory that `top` takes when it has shown the tube."""
    with terminal("top", "0.1", "-h", str(scene.server)) as shown:
        shown.see(scene.tube, "? help")
        peak = peak_in(Path(f"/proc/{shown.process.pid}/status").read_text())
        shown.type("q")
        assert shown.ended() == ExitCode.OK
    return peak


def campaign(kind: Kind, number: int, folder: Path) -> Iterator[tuple[str, ...]]:
    """A row for each command: its name, seconds, and those of the processor, megabytes of memory and how many more
    these are than with few jobs, and what it said after Ctrl-C.
    """
    with kind.running() as one, kind.running() as other:
        few, many = fresh(one, folder, FEW), fresh(other, folder, number)
        with client(one, watch=few.tube), client(other, watch=many.tube):
            few.keep(one)
            many.keep(other)
            for name in [name for name in MATRIX if name not in {long.name for long in LONG}]:
                if name == "top":
                    yield ("top", "", "", *memory(at_a_screen(few), at_a_screen(many)), "")
                    continue
                small, large = (run(scene, scene.server, name, *usual(scene, name)) for scene in (few, many))
                assert large.code == MATRIX[name].usual.code, large
                yield (*figures(name, number, small, large), "")
    for long in LONG:
        yield watched(kind, long, number, folder)


def watched(kind: Kind, long: Long, number: int, folder: Path) -> tuple[str, ...]:
    """A row for a command that takes long."""
    row, until = (long.name, "", "", "", ""), long.until
    with kind.running() as one, kind.running() as other:
        if not until:
            probe = fresh(one, folder, max(long.jobs, number // 10))

            def start(there: Server, words: Sequence[str]) -> tuple[int, str]:
                done = run(probe, there, *words)
                return done.code, done.told

            until = completed(probe, long, start) * (number // probe.number) // 3
            few, many = fresh(one, folder, FEW), fresh(other, folder, number)
            few.keep(one)
            many.keep(other)
            small, large = (run(scene, scene.server, long.name, *long.words(scene)) for scene in (few, many))
            assert large.code == ExitCode.OK, large
            assert "\r" in large.shown, f"{long.name} did not tell how far it was"
            row = figures(long.name, number, small, large)
        return (*row, interrupted(fresh(other, folder, number), long, until))


def figures(name: str, number: int, small: Run, large: Run) -> tuple[str, str, str, str, str]:
    assert large.peak - small.peak <= GROWTH + KEPT.get(name, 0) * number, (name, small.peak, large.peak)
    return (name, f"{large.seconds:.2f}", f"{large.cpu:.2f}", *memory(small.peak, large.peak))


def memory(small: int, large: int) -> tuple[str, str]:
    return f"{large >> 20}", f"{(large - small) / (1 << 20):+.1f}"


def main() -> None:
    """A table for each kind of server."""
    parser = argparse.ArgumentParser(prog="tests.cli.many_jobs", description=__doc__)
    parser.add_argument("--jobs", type=int, default=100_000)
    words = parser.parse_args()
    for kind in KINDS:
        sys.stdout.write(f"\n{kind.name}, {words.jobs:,} jobs\n{row(TITLES)}\n")
        with tempfile.TemporaryDirectory() as folder:
            for told in campaign(kind, words.jobs, Path(folder)):
                sys.stdout.write(f"{row(told)}\n")
                sys.stdout.flush()


TITLES = ("COMMAND", "SECONDS", "CPU", "MB", "MORE", "AFTER CTRL-C")


def row(cells: Sequence[str]) -> str:
    name, *numbers, told = cells
    return f"{name:16}{''.join(f'{number:>9}' for number in numbers)}  {told}".rstrip()


if __name__ == "__main__":
    main()
