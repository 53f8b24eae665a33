"""Start what does not run."""

from __future__ import annotations

import os
import secrets
import time
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

from ayl.daemons import launching
from ayl.daemons.conditions import Condition, look
from ayl.daemons.control.claims import leave_to_systemd
from ayl.daemons.control.outcomes import Outcome, failed, judged
from ayl.daemons.control.rounds import LOOK_SECONDS, MARGIN, our_turn, rounds
from ayl.daemons.control.stopping import brought_down, ended
from ayl.daemons.errors import CannotStart, DaemonError
from ayl.daemons.grounds import prepare
from ayl.daemons.home import Home
from ayl.daemons.order import Order, order
from ayl.daemons.owners import owner
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
                    begun.append((daemon, _begun(daemon, condition)))
            except (DaemonError, OSError) as error:
                yield failed(daemon.name, error)
        yield from awaited(begun)


def _begun(daemon: Daemon, condition: Condition) -> str:
    """The serial of the order to be waited for. A keeper that is there is waited for as if it had just been started."""
    if condition.keeper is not None and condition.word not in ("stopping", "ended"):
        return "" if condition.state is None else condition.state.serial
    leave_to_systemd(daemon)
    if condition.word == "stopping":
        ended(daemon, condition)
    elif condition.word == "ended":
        brought_down(daemon)  # it has nothing to do any more
    return launched(daemon)


def launched(daemon: Daemon) -> str:
    """Its keeper is started; the serial of its order. CannotStart, NotPermitted."""
    leave_to_systemd(daemon)
    given = prepared(daemon)
    launching.launch(given, daemon.run)
    return given.serial


def prepared(daemon: Daemon) -> Order:
    """All is ready for its keeper, which is not there yet: the order that it is to carry out. CannotStart,
    NotPermitted.
    """
    given = ordered(daemon)
    if (keeper := look(daemon.name, daemon.run).keeper) is not None:
        raise CannotStart(daemon.name, f"already running (pid {keeper})")
    with suppress(OSError):  # of a keeper that was killed: it may be another user's, or locked by who is no keeper
        os.unlink(Home(daemon.run).pid)  # noqa: PTH108 - paths are text here
    prepare(given, daemon.run)
    return given


def ordered(daemon: Daemon) -> Order:
    """The order for one start, now. CannotStart, NotPermitted."""
    ids = owner(daemon.name, daemon.user, daemon.group)
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
