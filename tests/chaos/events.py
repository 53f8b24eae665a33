"""What calls note of themselves, and the runs that can be told from it.

Each process of a worker has a file of its own, `WORKER-PID.START.events`, with a line for each event, written at once:

    begin CALL ATTEMPT THREAD TIME ALIVE   ALIVE: earlier attempts whose processes live, with commas, or -
    done CALL ATTEMPT TIME                 the call has done what it had to
    failed CALL ATTEMPT TIME               it raises, as it was told to
    ended CALL ATTEMPT TIME                somebody else's exception ended it
    dies CALL ATTEMPT TIME                 it ends its process

TIME is the machine's monotonic clock, which all processes share. A kill can tear the last line only, and a line without
its end counts as not written.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

End = Literal["done", "failed", "ended", "dies"]


@dataclass
class Run:
    """One attempt at a call."""

    call: int
    attempt: int
    worker: str
    process: str
    """PID.START, which no other process ever has."""
    begin: float
    """Seconds of the monotonic clock."""
    alive: frozenset[int]
    """Earlier attempts whose processes lived when this one began."""
    end: float | None = None
    """None if nothing was noted: its process was killed."""
    how: End | None = None

    @property
    def pid(self) -> str:
        return self.process.partition(".")[0]

    @property
    def done(self) -> bool:
        return self.how == "done"


def read(folder: Path) -> list[Run]:
    """All runs of which there are files in that folder."""
    return [run for path in folder.glob("*.events") for run in _runs(path)]


def _runs(path: Path) -> Iterator[Run]:
    worker, _, process = path.stem.rpartition("-")
    runs: dict[tuple[str, str], Run] = {}
    for line in path.read_text().splitlines(keepends=True):
        if not line.endswith("\n"):
            break
        match line.split():
            case ["begin", call, attempt, _, time, alive]:
                earlier = frozenset() if alive == "-" else frozenset(map(int, alive.split(",")))
                runs[call, attempt] = Run(int(call), int(attempt), worker, process, float(time), earlier)
            case [("done" | "failed" | "ended" | "dies") as how, call, attempt, time]:
                run = runs[call, attempt]
                run.end = float(time)
                # What comes in from outside may still hit a call that has noted its end.
                run.how = run.how or how
            case words:
                raise AssertionError(f"{path} says {words}")
    yield from runs.values()
