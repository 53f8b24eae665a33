"""The pauses of a server, told apart from those of the machine, which on virtual ones come by themselves."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from heapq import nlargest
from operator import itemgetter
from pathlib import Path
from types import TracebackType
from typing import Self

from benchmarks.loads.model import Target, Waits
from benchmarks.probe import FIRST, SECOND, SERVER_RANK, Event
from benchmarks.wire import WrongReplyError

ROOT = Path(__file__).parent.parent
STOP_SECONDS = 60
AFTER_ALL = 19

NOTICEABLE_SECONDS = 0.0005
"""A machine that is later than that has paused."""

SUSPECTS = 500
"""So many of the longest replies are compared with the machine's pauses."""

SERVER, ITS_CORE, OWN_CORE = "server", "server's core", "generator's core"


class Probes:
    """Inside its `with` block a server is asked every millisecond, and both cores are watched.

    The machine counts as late while the probe of either core was: a part of a reply's time that falls there is not
    the server's. That needs probes which nothing can hold up but the machine; without the right to be first on
    their cores (SCHED_FIFO) nothing is taken off. The server comes second on its core, so that it does not wait for
    other processes, which would look like pauses of its own.
    """

    def __init__(self, target: Target) -> None:
        own_core = min(os.sched_getaffinity(0))
        orders = {SERVER: [own_core, target.port], ITS_CORE: [target.core], OWN_CORE: [own_core]}
        self._processes = {name: start(order) for name, order in orders.items()}
        with suppress(PermissionError):  # nice would not do: groups of processes share the cores first
            os.sched_setscheduler(target.pid, os.SCHED_FIFO, os.sched_param(SERVER_RANK))

    def __enter__(self) -> Self:
        said = {first_word(process) for process in self._processes.values()}
        if not said <= {FIRST, SECOND}:
            raise WrongReplyError(f"a probe said {said}")
        self._trusted = said == {FIRST}
        if not self._trusted:
            os.nice(AFTER_ALL)  # this process shares a core with the probe of the server
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._processes.values():
            process.terminate()
        said = {name: process.communicate(timeout=STOP_SECONDS)[0] for name, process in self._processes.items()}
        if error is None:
            self._events = {name: events(text) for name, text in said.items()}

    def waits(self, begin: float, end: float) -> Waits:
        """Of the time between two readings of the monotonic clock."""
        trips, *cores = (between(self._events[name], begin, end) for name in (SERVER, ITS_CORE, OWN_CORE))
        machine = sorted(event for core in cores for event in core)
        late = [event for event in machine if self._trusted and event[1] >= NOTICEABLE_SECONDS]
        own = max(trip[1] - overlap(trip, late) for trip in nlargest(SUSPECTS, trips, key=itemgetter(1)))
        p50, p99, p99_9, longest = spread([took for _, took in trips])
        return Waits(p50, p99, p99_9, longest, own * 1e3, *spread([took for _, took in machine]))


def start(order: Sequence[int]) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "benchmarks.probe", *map(str, order)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)


def first_word(process: subprocess.Popen[bytes]) -> str:
    return process.stdout.readline().decode().strip() if process.stdout else ""


def events(text: bytes) -> list[Event]:
    try:
        return [(when, took) for when, took in json.loads(text)]
    except json.JSONDecodeError:
        raise WrongReplyError(f"a probe said {text[:100]!r}") from None


def between(found: Sequence[Event], begin: float, end: float) -> list[Event]:
    return [event for event in found if begin <= event[0] < end]


def spread(seconds: Sequence[float]) -> tuple[float, float, float, float]:
    """Median, 99th and 99.9th percentile and the longest, in milliseconds."""
    ordered = sorted(seconds)
    at = [int(len(ordered) * share) for share in (0.5, 0.99, 0.999)]
    p50, p99, p99_9, longest = (ordered[i] * 1e3 for i in (*at, -1))
    return p50, p99, p99_9, longest


def overlap(event: Event, others: Sequence[Event]) -> float:
    """Seconds of `event` in which at least one of the others went on; these are sorted, and may overlap each other."""
    begin, took = event
    end, covered, seconds = begin + took, begin, 0.0
    for other, lasted in others:
        if other + lasted > covered and other < end:
            seconds += min(other + lasted, end) - max(other, covered)
            covered = min(other + lasted, end)
    return seconds
