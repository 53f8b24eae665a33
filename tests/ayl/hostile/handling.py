"""What a worker does with a body, and how it ends."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, NamedTuple

from ayl.life import Standing
from ayl.worker import execution
from tests.ayl.slots import slot

from .app import REACHED
from .watching import watched

if TYPE_CHECKING:
    from ayl.settings import Settings


SLOT = slot()


class Held:
    """A lease on a body; remembers how it was settled."""

    job_id = 7

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.settled: list[str] = []
        self.since = time.monotonic()

    is_new = True
    successor = None

    def standing(self) -> Standing:
        return Standing("shop/1", 512, 120, 3600, reserves=1, timeouts=0, releases=0, buries=0)

    def touch(self) -> bool:
        return True

    def swap(self, body: bytes) -> bool:
        raise NotImplementedError

    def delete(self) -> bool:
        self.settled.append("deleted")
        return True

    def release(self, delay: int, body: bytes | None = None) -> bool:
        self.settled.append("delayed")
        return True

    def bury(self, body: bytes | None = None) -> bool:
        self.settled.append("buried")
        return True


class Handled(NamedTuple):
    """What became of a body."""

    settled: list[str]
    reached: list[str]
    """Of the app: calls, and private names that were read."""
    events: list[str]
    """Of Python: imports, evaluations, files, processes."""
    said: list[str]
    """Reasons, in the log."""


class _Said(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())  # without its traceback, which reads source files


def handle(body: bytes, settings: Settings) -> Handled:
    """Let a worker execute it. Nothing may come out of that but how it was settled."""
    lease = Held(body)
    said = _Said()
    REACHED.clear()
    execution.log.addHandler(said)
    execution.log.propagate = False
    try:
        with watched() as events:
            execution.execute(lease, settings, SLOT)
    finally:
        execution.log.propagate = True
        execution.log.removeHandler(said)
    return Handled(lease.settled, [*REACHED], events, said.lines)
