"""Operations that may take long: what they have done so far, and Ctrl-C, after which they tell that, too."""

from __future__ import annotations

import signal
import sys
import time
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, TypeVar

import click

from ayl.cli.output import visible
from ayl.errors import AylError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator
    from types import FrameType

T = TypeVar("T")

EVERY = 0.2
"""Seconds between two lines on a terminal."""


def followed(steps: Generator[T, None, None], told: Callable[[T], str]) -> tuple[T, bool, AylError | None]:
    """The last of the results so far that an operation yields; whether it was interrupted before its end; and the error
    that ended it, if one came after the first result.

    On a terminal each is told on stderr. Ctrl-C ends the operation between two of its steps, so that what it has
    yielded last is true; a second one ends it at once. There is at least one result.
    """
    with closing(steps), _interruptions() as interrupted, _line() as tell:
        result = next(steps)
        try:
            for result in steps:
                tell(lambda: told(result))  # noqa: B023 - called at once
                if interrupted():
                    return result, True, None
        except AylError as error:
            return result, False, error
    return result, False, None


@contextmanager
def _interruptions() -> Iterator[Callable[[], bool]]:
    """Whether Ctrl-C was pressed; the second is Python's own affair."""
    pressed = False

    def remember(_number: int, _frame: FrameType | None) -> None:
        nonlocal pressed
        pressed = True
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, remember)
    try:
        yield lambda: pressed
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def _line() -> Iterator[Callable[[Callable[[], str]], None]]:
    """A line on stderr that is written over, on a terminal; nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda _text: None
        return
    last = 0.0

    def tell(text: Callable[[], str]) -> None:
        nonlocal last
        if (now := time.monotonic()) - last >= EVERY:
            last = now
            click.echo(f"\r{visible(text())}\x1b[K", nl=False, err=True)

    try:
        yield tell
    finally:
        if last:
            click.echo("\r\x1b[K", nl=False, err=True)
