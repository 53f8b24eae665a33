"""Who looks on while daemons are waited for is told which: on a terminal, in one line that is written over."""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ayl.cli.output import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

SILENT_SECONDS = 2.0
"""Nothing is told of what is done by then."""

EVERY = 1.0
"""Seconds between two lines."""


@contextmanager
def told(names: Sequence[str]) -> Iterator[Callable[[str], None]]:
    """Tell which of them are waited for. What is yielded is to be called for each that is done, before anything is
    printed about it.

    A timer's signal rather than a thread: the commands fork.
    """
    if not sys.stderr.isatty():
        yield lambda _name: None
        return
    left, since = [*names], time.monotonic()

    def tell(_number: int, _frame: object) -> None:
        text = line(left, time.monotonic() - since, os.get_terminal_size(2).columns)
        os.write(2, f"\r{text}\x1b[K".encode())

    def done(name: str) -> None:
        if name in left:
            left.remove(name)
        os.write(2, b"\r\x1b[K")

    before = signal.signal(signal.SIGALRM, tell)
    signal.setitimer(signal.ITIMER_REAL, SILENT_SECONDS, EVERY)
    try:
        yield done
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        os.write(2, b"\r\x1b[K")


def line(names: Sequence[str], seconds: float, width: int) -> str:
    """As many of the names as there is room for. Pure."""
    for number in range(len(names), 0, -1):
        more = f" and {len(names) - number} more" if number < len(names) else ""
        text = visible(f"waiting for {', '.join(names[:number])}{more} ({seconds:.0f} s)")
        if len(text) < width:
            return text
    return f"waiting for {len(names)} ({seconds:.0f} s)"[: max(0, width - 1)]
