"""Start what does not run."""

from __future__ import annotations

import os
import secrets
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

from ayl.daemons import launching
from ayl.daemons.conditions import Condition, look
from ayl.daemons.control.outcomes import Outcome, failed, judged
from ayl.daemons.control.rounds import LOOK_SECONDS, MARGIN, our_turn, rounds
from ayl.daemons.errors import DaemonError
from ayl.daemons.order import Order, order
from ayl.daemons.versions import version

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ayl.daemons.control.rounds import Waiting
    from ayl.daemons.spec.model import Daemon


def start(daemons: Sequence[Daemon], directory: str, waiting: Waiting) -> Iterator[Outcome]:
    """Start those that do not run, several at once, and wait until each has proved that it works, or failed."""
    for wave in rounds(daemons, os.cpu_count() or 1):
        yield from _start(wave, directory, waiting)


def _start(daemons: Sequence[Daemon], directory: str, waiting: Waiting) -> Iterator[Outcome]:
    with ExitStack() as turns:
        begun: list[tuple[Daemon, str]] = []
        for daemon in daemons:
            try:
                turns.enter_context(our_turn(daemon, directory, waiting))
                condition = look(daemon.name, daemon.run)
                if condition.word == "working":
                    yield Outcome(daemon.name, True, f"already running (pid {condition.keeper})")
                else:
                    begun.append((daemon, _serial(condition) or launched(daemon)))
            except (DaemonError, OSError) as error:
                yield failed(daemon.name, error)
        yield from awaited(begun)


def _serial(condition: Condition) -> str:
    """Of the order of a keeper that is there; it is waited for as if it had just been started."""
    return "" if condition.state is None else condition.state.serial


def launched(daemon: Daemon) -> str:
    """Its keeper is started; the serial of its order."""
    given = ordered(daemon)
    launching.prepare(given, daemon.run)
    launching.launch(given, daemon.run)
    return given.serial


def ordered(daemon: Daemon) -> Order:
    """The order for one start, now. CannotStart, NotPermitted."""
    ids = launching.owner(daemon.name, daemon.user, daemon.group)
    return order(daemon, secrets.token_hex(8), version(daemon, ids), os.path.realpath(daemon.directory))


def awaited(begun: Sequence[tuple[Daemon, str]], longer: float = 0.0) -> Iterator[Outcome]:
    """How it goes with these daemons and the serials of their orders, each as soon as that is clear. `longer`: seconds
    beside those that a start may take.
    """
    since = time.monotonic()
    waiting = {daemon.name: (daemon, serial) for daemon, serial in begun}
    while waiting:
        for daemon, serial in [*waiting.values()]:
            patience = daemon.patience + longer + MARGIN
            outcome = judged(look(daemon.name, daemon.run), serial, time.monotonic() - since, patience)
            if outcome is not None:
                del waiting[daemon.name]
                yield outcome
        if waiting:
            time.sleep(LOOK_SECONDS)
