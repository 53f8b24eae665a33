"""Calls that do not end at their time and hold the interpreter lock, so that nobody in their process can help: the
supervisor ends it.
"""

from __future__ import annotations

import os
import signal
from contextlib import contextmanager
from math import inf

from ayl.worker.deadlines import Deadlines, shared_memory

TYPE_CHECKING = False  # as in the supervisor
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import Protocol

    class Process(Protocol):
        """Whom it watches."""

        @property
        def pid(self) -> int: ...

        def send_signal(self, sig: int) -> None: ...

    class Log(Protocol):
        """Of the process that watches."""

        def critical(self, text: str, /, *facts: object) -> object: ...


LAST_WORDS_SECONDS = 0.3
"""Between the signal at which a worker tells where it is, and the one that kills it."""


class Overruns:
    """Of one worker process."""

    def __init__(self, deadlines: Deadlines, log: Log) -> None:
        self._deadlines = deadlines
        self._log = log
        self._end_at = inf
        self._kill_at: float | None = None

    @classmethod
    @contextmanager
    def watched(cls, slots: int, log: Log) -> Iterator[tuple[Overruns, int]]:
        """Of a process that is started within this span, and gets the descriptor of the memory for its deadlines."""
        memory = shared_memory(slots)
        try:
            yield cls(Deadlines(slots, memory), log), memory
        finally:
            os.close(memory)

    @property
    def have_ended(self) -> bool:
        """Whether the process was ended for a call."""
        return self._kill_at is not None

    def next_look(self, now: float) -> float:
        """When to look whether its time is over, seconds of the monotonic clock."""
        return min(self._end_at, self._deadlines.nearest(now)) if self._kill_at is None else self._kill_at

    def tell(self, jobs: Iterable[int]) -> None:
        """The process may be handed these jobs, for whose sake another one was killed."""
        self._deadlines.tell(jobs)

    def end_at(self, moment: float) -> None:
        """Whatever the process has planned itself. Infinity to leave it to that."""
        self._end_at = moment

    def look(self, now: float, process: Process, tell: Callable[[list[int]], object] = lambda jobs: None) -> None:
        """End the process, if a call in it has not ended. `tell` hears before that for the sake of which jobs."""
        if self._kill_at is not None:
            if now >= self._kill_at:
                process.send_signal(signal.SIGKILL)
                self._kill_at = inf
        elif (jobs := self._deadlines.over(now)) or now >= self._end_at:
            tell(jobs)  # first: the server has others take them as soon as the process is gone
            self._log.critical(
                "process %d is killed: a call in it cannot be interrupted at its time to run", process.pid
            )
            process.send_signal(signal.SIGABRT)  # faulthandler's: it tells where all threads are
            self._kill_at = now + LAST_WORDS_SECONDS

    def close(self) -> None:
        """Once it has ended."""
        self._deadlines.close()
