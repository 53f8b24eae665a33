"""Stop what runs."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from ayl.daemons import leftovers
from ayl.daemons.conditions import Condition, look, send
from ayl.daemons.control.outcomes import Outcome, failed
from ayl.daemons.control.rounds import LOOK_SECONDS, MARGIN, our_turns
from ayl.daemons.errors import DaemonError, NotPermitted
from ayl.daemons.home import Home
from ayl.daemons.spec.model import Kind
from ayl.pidfiles import discard

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ayl.daemons.control.rounds import Waiting
    from ayl.daemons.spec.model import Daemon


def stop(daemons: Sequence[Daemon], directory: str, waiting: Waiting) -> Iterator[Outcome]:
    """Stop those that run, all at once but for the server, which comes last; and wait until they have ended."""
    for is_server in (False, True):
        yield from _stop([d for d in daemons if (d.kind is Kind.SERVER) is is_server], directory, waiting)


def _stop(daemons: Sequence[Daemon], directory: str, waiting: Waiting) -> Iterator[Outcome]:
    with our_turns(daemons, directory, waiting) as (ours, refused):
        yield from refused
        begun: list[tuple[Daemon, Condition]] = []
        for daemon in ours:
            try:
                condition = asked(daemon, signal.SIGTERM)
                if condition.keeper is None:
                    yield Outcome(daemon.name, True, "not running")
                else:
                    begun.append((daemon, condition))
            except (DaemonError, OSError) as error:
                yield failed(daemon.name, error)
        yield from _ends(begun)


def brought_down(daemon: Daemon) -> Outcome:
    """Stop one that runs, by who has its turn already."""
    return ended(daemon, asked(daemon, signal.SIGTERM))


def ended(daemon: Daemon, condition: Condition) -> Outcome:
    """Wait for the end of one that was asked, and was like that then."""
    return next(_ends([(daemon, condition)]))


def asked(daemon: Daemon, number: int) -> Condition:
    """Signal its keeper; how it was before. NotPermitted if it is not ours to signal."""
    condition = look(daemon.name, daemon.run)
    try:
        send(condition, daemon.run, number)
    except PermissionError:
        raise NotPermitted(daemon.name, f"process {condition.keeper} is another user's") from None
    if condition.keeper is None:
        tidy(daemon)
    return condition


def tidy(daemon: Daemon) -> None:
    """Nothing is to be left of one whose keeper is gone. NotPermitted if it is another user's."""
    home = Home(daemon.run)
    with suppress(OSError):  # which is seen below
        discard(home.pid, alone=True)
    if look(daemon.name, daemon.run).keeper is not None:
        return  # it has just been started again, by somebody without turns
    leftovers.kill(home, daemon.name)
    home.remove()
    if os.path.lexists(home.pid) and look(daemon.name, daemon.run).keeper is None:
        raise NotPermitted(daemon.name, f"{home.pid} of a keeper that was killed cannot be removed")


def _ends(begun: Sequence[tuple[Daemon, Condition]]) -> Iterator[Outcome]:
    since = time.monotonic()
    farewells = [_Farewell(daemon, condition) for daemon, condition in begun]
    while farewells:
        for farewell in [*farewells]:
            try:
                outcome = farewell.look(time.monotonic() - since)
            except DaemonError as error:
                outcome = failed(farewell.name, error)
            if outcome is not None:
                farewells.remove(farewell)
                yield outcome
        if farewells:
            time.sleep(LOOK_SECONDS)


class _Farewell:
    """A keeper that was asked to end. It has its daemon's grace, and is killed when even that was not enough."""

    def __init__(self, daemon: Daemon, condition: Condition) -> None:
        self.name = daemon.name
        self._daemon = daemon
        self._keeper = condition.keeper
        self._was_killed = False

    def look(self, seconds: float) -> Outcome | None:
        """How it has ended, so many seconds after it was asked; None if it has not."""
        daemon = self._daemon
        if (now := look(daemon.name, daemon.run).keeper) != self._keeper:
            if now is None:  # else it was started again, by somebody without turns: systemd
                tidy(daemon)
            how = "its keeper had to be killed" if self._was_killed else f"stopped, in {seconds:.1f} s"
            return Outcome(daemon.name, True, how)
        if seconds > daemon.grace + MARGIN and not self._was_killed:
            self._was_killed = True
            asked(daemon, signal.SIGKILL)
        if seconds > daemon.grace + 2 * MARGIN:
            return Outcome(daemon.name, False, f"process {self._keeper} cannot even be killed")
        return None
