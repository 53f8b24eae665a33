"""Start what does not run."""

from __future__ import annotations

import os
import secrets
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from ayl.daemons import launching
from ayl.daemons.conditions import Condition, look
from ayl.daemons.control.claims import leave_to_systemd
from ayl.daemons.control.outcomes import Outcome, failed, judged
from ayl.daemons.control.rounds import LOOK_SECONDS, MARGIN, our_turns, rounds
from ayl.daemons.control.stopping import brought_down, ended
from ayl.daemons.errors import CannotStart, DaemonError
from ayl.daemons.grounds import prepare
from ayl.daemons.home import Home
from ayl.daemons.order import Order, order
from ayl.daemons.owners import owner
from ayl.daemons.versions import version
from ayl.pidfiles import discard

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ayl.daemons.control.rounds import Waiting
    from ayl.daemons.spec.model import Daemon


def start(daemons: Sequence[Daemon], directory: str, waiting: Waiting) -> Iterator[Outcome]:
    """Start those that do not run, several at once, and wait until each has proved that it works, or failed."""
    for wave in rounds(daemons, os.cpu_count() or 1):
        yield from _start(wave, directory, waiting)


def _start(daemons: Sequence[Daemon], directory: str, waiting: Waiting) -> Iterator[Outcome]:
    with our_turns(daemons, directory, waiting) as (ours, refused):
        yield from refused
        begun: list[tuple[Daemon, str, float]] = []
        for daemon in ours:
            try:
                condition = look(daemon.name, daemon.run)
                if condition.word == "working":
                    yield Outcome(daemon.name, True, f"already running (pid {condition.keeper})")
                else:
                    begun.append((daemon, *_begun(daemon, condition)))
            except (DaemonError, OSError) as error:
                yield failed(daemon.name, error)
        yield from awaited(begun)


def _begun(daemon: Daemon, condition: Condition) -> tuple[str, float]:
    """The serial of the order to be waited for, and the seconds that it may take. A keeper that is there is waited for
    as if it had just been started, whichever order it is at.
    """
    if condition.keeper is not None and condition.word not in ("stopping", "ended"):
        return "", daemon.patience + (daemon.grace if condition.word == "replacing" else 0.0)
    leave_to_systemd(daemon)
    if condition.word == "stopping":
        ended(daemon, condition)
    elif condition.word == "ended":
        brought_down(daemon)  # it has nothing to do any more
    return launched(daemon), daemon.patience


def launched(daemon: Daemon) -> str:
    """Its keeper is started; the serial of its order. CannotStart, NotPermitted."""
    leave_to_systemd(daemon)
    given = prepared(daemon, alone=True)
    launching.launch(given, daemon.run)
    return given.serial


def prepared(daemon: Daemon, *, alone: bool = False) -> Order:
    """All is ready for its keeper, which is not there yet: the order that it is to carry out. CannotStart,
    NotPermitted. `alone`: it is our turn, as that of whoever stays in the foreground is not.
    """
    given = ordered(daemon)
    if (keeper := look(daemon.name, daemon.run).keeper) is not None:
        raise CannotStart(daemon.name, f"already running (pid {keeper})")
    # Of a keeper that was killed: it may be another user's, or locked by who is no keeper.
    with suppress(OSError):
        discard(Home(daemon.run).pid, alone=alone)
    prepare(given, daemon.run)
    return given


def ordered(daemon: Daemon) -> Order:
    """The order for one start, now. CannotStart, NotPermitted."""
    ids = owner(daemon.name, daemon.user, daemon.group)
    return order(daemon, secrets.token_hex(8), version(daemon, ids), os.path.realpath(daemon.directory))


def awaited(begun: Sequence[tuple[Daemon, str, float]]) -> Iterator[Outcome]:
    """How it goes with these daemons, each as soon as that is clear: by the serials of their orders, and the seconds
    that these may take.
    """
    since = time.monotonic()
    waiting = {daemon.name: (daemon, serial, patience) for daemon, serial, patience in begun}
    while waiting:
        for daemon, serial, patience in [*waiting.values()]:
            outcome = judged(look(daemon.name, daemon.run), serial, time.monotonic() - since, patience + MARGIN)
            if outcome is not None:
                del waiting[daemon.name]
                yield outcome
        if waiting:
            time.sleep(LOOK_SECONDS)
