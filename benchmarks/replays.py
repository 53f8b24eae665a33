"""How long a server with a million jobs in its binlog takes from its start to its first reply."""

import argparse
import os
import re
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from benchmarks.disk import scratch
from benchmarks.generator import measure
from benchmarks.loads import LOADS, REPLAY
from benchmarks.loads.model import Outcome
from benchmarks.processes import Cores, Kind, greet, running, when_listening
from benchmarks.rounds import Runs, amount_of, make_sure, ready_jobs, rounds_of, say, summary
from benchmarks.wire import WrongReplyError

PATIENCE_SECONDS = 60.0
SPEED = "replayed jobs/s"
SECONDS = "start to first reply, s"
PROGRESS = "reports of progress"


class Terminal:
    """What a server says on a terminal, read as it comes: one that nobody reads would hold the server up."""

    def __init__(self) -> None:
        self._own_end, self.server_end = os.openpty()
        self._said: list[bytes] = []
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        with suppress(OSError):  # the other end has been closed
            while data := os.read(self._own_end, 4096):
                self._said.append(data)

    def reports(self) -> int:
        """Lines, or what was written over lines."""
        return len([line for line in re.split(rb"[\r\n]+", b"".join(self._said)) if line.strip()])

    def close(self) -> None:
        os.close(self.server_end)


@contextmanager
def terminal() -> Iterator[Terminal]:
    opened = Terminal()
    try:
        yield opened
    finally:
        opened.close()


def run_replays(kinds: Sequence[Kind], cores: Cores, options: argparse.Namespace, runs: Runs) -> None:
    """Each server fills a binlog once and is started on it in every round; what they show goes to `runs`."""
    load, jobs = LOADS[REPLAY], amount_of(REPLAY, options)
    kinds = [kind for kind in kinds if kind.name not in load.without]
    with ExitStack() as stack:
        directories = {kind.name: stack.enter_context(scratch()) for kind in kinds}
        for kind in kinds:
            fill(kind, cores, directories[kind.name], jobs, sleep=options.sleep)
        for number in range(1, load.rounds + 1):
            for kind in kinds:
                if number <= rounds_of(load, kind.name, options):
                    outcome = replay(kind, cores, directories[kind.name], jobs)
                    runs.setdefault(kind.name, []).append(outcome)
                    say(f"{REPLAY} {number} {kind.name}: {summary(outcome)}")


def fill(kind: Kind, cores: Cores, directory: Path, jobs: int, *, sleep: bool) -> None:
    with running(kind, cores.server, ("-b", str(directory), *LOADS[REPLAY].binlog)) as server:
        make_sure(kind, server)
        filled = measure(REPLAY, server, jobs, cores, sleep=sleep)
        say(f"{REPLAY}, binlog filled, {kind.name}: {summary(filled)}")


def replay(kind: Kind, cores: Cores, directory: Path, jobs: int) -> Outcome:
    """The binlog is still in the page cache: the disk's speed is not looked for."""
    os.sched_setaffinity(0, {cores.generator})
    options = ("-b", str(directory), *LOADS[REPLAY].binlog)
    with terminal() as screen, running(kind, cores.server, options, screen.server_end) as server:
        with when_listening(server) as sock:
            sock.settimeout(PATIENCE_SECONDS)
            greet(sock)
        seconds = time.perf_counter() - server.started
        reports = screen.reports()
        if (found := ready_jobs(server)) != jobs:
            raise WrongReplyError(f"{kind.name}: {found} of {jobs} jobs were replayed")
    return Outcome(figures={SPEED: jobs / seconds, SECONDS: seconds, PROGRESS: reports})
