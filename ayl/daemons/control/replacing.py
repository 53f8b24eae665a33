"""Restart, and reload: what runs is replaced, one daemon at a time."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

from ayl.daemons.conditions import look
from ayl.daemons.control.claims import leave_to_systemd
from ayl.daemons.control.outcomes import Outcome, failed
from ayl.daemons.control.rounds import our_turns
from ayl.daemons.control.starting import awaited, launched, ordered
from ayl.daemons.control.stopping import asked, brought_down, ended
from ayl.daemons.errors import DaemonError
from ayl.daemons.grounds import prepare
from ayl.daemons.home import Home
from ayl.daemons.order import Order

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ayl.daemons.conditions import Condition
    from ayl.daemons.control.rounds import Waiting
    from ayl.daemons.spec.model import Daemon


def restart(daemons: Sequence[Daemon], directory: str, waiting: Waiting) -> Iterator[Outcome]:
    """Put a new process in the place of each, one daemon after the other; what does not run is started. The first that
    fails is the last: the others are left as they are.
    """
    is_broken = False
    for daemon in daemons:
        if is_broken:
            yield Outcome(daemon.name, False, "left as it is")
            continue
        outcome = _replaced(daemon, directory, waiting, always=True)
        is_broken = not outcome.done
        yield outcome


def reload(daemons: Sequence[Daemon], directory: str, waiting: Waiting, *, launches: bool = True) -> Iterator[Outcome]:
    """Replace what would be started otherwise now than it was: another version, another configuration. The rest stays,
    and what does not run is started; if not `launches`, that fails. One daemon after the other, whatever becomes of
    those before.
    """
    for daemon in daemons:
        yield _replaced(daemon, directory, waiting, always=False, launches=launches)


def _replaced(daemon: Daemon, directory: str, waiting: Waiting, *, always: bool, launches: bool = True) -> Outcome:
    try:
        with our_turns([daemon], directory, waiting) as (_, refused):
            if refused:
                return refused[0]
            condition = look(daemon.name, daemon.run)
            if not launches and (condition.keeper is None or condition.word == "stopping"):
                return Outcome(daemon.name, False, "not running; it needs another `ayl_daemons run`")
            serial = _ordered(daemon, always=always)
            if serial is None:
                return Outcome(daemon.name, True, "unchanged")
            return next(awaited([(daemon, serial, daemon.patience + daemon.grace)]))
    except (DaemonError, OSError) as error:
        return failed(daemon.name, error)


def _ordered(daemon: Daemon, *, always: bool) -> str | None:
    """The serial of the order that its keeper has been given, if one was needed."""
    condition = look(daemon.name, daemon.run)
    if condition.word == "stopping":
        leave_to_systemd(daemon)
        ended(daemon, condition)  # which no order would keep it from
        return launched(daemon)
    if condition.keeper is None:
        return launched(daemon)
    new, old = ordered(daemon), _present(daemon)
    if not always and old is not None and new.is_same(old) and _is_in_force(old, condition):
        return None
    if old is None or old.owner != new.owner:
        # A keeper runs as its daemon's user: another needs another keeper.
        if condition.state is not None and condition.state.foreground:
            raise DaemonError(daemon.name, "it is to run as another user: restart it where it was started (systemctl)")
        leave_to_systemd(daemon)
        brought_down(daemon)
        return launched(daemon)
    prepare(new, daemon.run)
    asked(daemon, signal.SIGHUP)
    return new.serial


def _present(daemon: Daemon) -> Order | None:
    """What its keeper was told last."""
    home = Home(daemon.run)
    try:
        return Order.from_json(home.read(home.order))
    except (OSError, ValueError):
        return None


def _is_in_force(order: Order, condition: Condition) -> bool:
    """Whether that is what runs: an order whose process failed, so that the old one stayed, is worth another try."""
    return condition.state is None or condition.state.serial == order.serial
