"""Which daemons are dealt with at once."""

from __future__ import annotations

import os
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from ayl.daemons.control.outcomes import failed
from ayl.daemons.grounds import DIRECTORY_MODE
from ayl.daemons.spec.model import Kind
from ayl.daemons.turns import Turns, place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ayl.daemons.control.outcomes import Outcome
    from ayl.daemons.spec.model import Daemon

    Waiting = Callable[[str, int], object]
    """Is told the name of a daemon and the pid of who changes it, before we do."""

LOOK_SECONDS = 0.05
"""Between two looks at a daemon that is waited for."""

MARGIN = 5.0
"""Seconds that a keeper has for its own part, beyond what its daemon has."""


def rounds(daemons: Sequence[Daemon], processors: int) -> list[list[Daemon]]:
    """In which order daemons are started: the server, which the others need; then as many at once as this machine can
    start in about the time of one.
    """
    servers = [daemon for daemon in daemons if daemon.kind is Kind.SERVER]
    others = [daemon for daemon in daemons if daemon.kind is not Kind.SERVER]
    size = 2 * processors + 2
    return [wave for wave in (servers, *(others[at : at + size] for at in range(0, len(others), size))) if wave]


@contextmanager
def our_turns(
    daemons: Sequence[Daemon], directory: str, waiting: Waiting
) -> Iterator[tuple[list[Daemon], list[Outcome]]]:
    """Nobody else changes these daemons meanwhile: those of which that is so, and what is to be said of the others.
    `directory`: that of all of them.
    """
    refused: dict[str, Outcome] = {}
    with Turns(directory) as turns:
        # Not in the order of a file: two commands may have different ones, and would wait for each other for ever.
        for daemon in sorted(daemons, key=lambda daemon: place(daemon.name)):
            try:
                os.makedirs(directory, DIRECTORY_MODE, exist_ok=True)  # noqa: PTH103 - paths are text here
                turns.take(daemon.name, partial(waiting, daemon.name))
            except OSError as error:
                refused[daemon.name] = failed(daemon.name, error)
        yield [daemon for daemon in daemons if daemon.name not in refused], [*refused.values()]
