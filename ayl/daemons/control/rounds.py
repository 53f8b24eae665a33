"""Which daemons are dealt with at once."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ayl.daemons.grounds import DIRECTORY_MODE
from ayl.daemons.spec.model import Kind
from ayl.daemons.turns import turn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

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
def our_turn(daemon: Daemon, directory: str, waiting: Waiting) -> Iterator[None]:
    """Nobody else changes this daemon meanwhile. `directory`: that of all of them. OSError as of any file."""
    os.makedirs(directory, DIRECTORY_MODE, exist_ok=True)  # noqa: PTH103 - paths are text here
    with turn(directory, daemon.name, lambda pid: waiting(daemon.name, pid)):
        yield
