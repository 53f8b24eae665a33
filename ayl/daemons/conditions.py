"""How a daemon is, as anybody can see it: whether somebody holds its pid file, and what the keeper has written down."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from enum import Enum

from ayl.daemons.home import Home
from ayl.daemons.state import State
from ayl.pidfiles import holder


class Health(Enum):
    """In one word."""

    WELL = "well"
    """It works, or does as it was told."""
    TROUBLED = "troubled"
    """Its keeper is there, its process is not or does not get ready."""
    DEAD = "dead"
    """The keeper was killed: its pid file is left."""
    STOPPED = "stopped"
    UNKNOWN = "unknown"
    """We may not see it."""


@dataclass(frozen=True, slots=True)
class Condition:
    """Of one daemon at one moment."""

    name: str
    keeper: int | None
    """Its pid; None if there is none."""
    state: State | None
    """What it has written down; None if it has not yet, or is not there."""
    health: Health

    @property
    def word(self) -> str:
        """Its state, for people."""
        if self.keeper is None:
            return self.health.value
        return self.state.state if self.state is not None else "starting"


def look(name: str, path: str) -> Condition:
    """At the daemon with that directory."""
    home = Home(path)
    try:
        pid = holder(home.pid)
    except PermissionError:
        return Condition(name, None, None, Health.UNKNOWN)
    except OSError:
        pid = None
    if pid is None:
        return Condition(name, None, None, Health.DEAD if os.path.lexists(home.pid) else Health.STOPPED)
    state = _state(home)
    if state is None or state.keeper != pid:
        return Condition(name, pid, None, Health.WELL)  # it has just begun
    return Condition(name, pid, state, _health(state))


def _state(home: Home) -> State | None:
    try:
        return State.from_json(home.read(home.state))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _health(state: State) -> Health:
    if state.state == "pausing" or (state.state in ("starting", "replacing") and state.failures):
        return Health.TROUBLED
    return Health.STOPPED if state.state == "ended" else Health.WELL


def send(condition: Condition, path: str, number: int, uid: int) -> bool:
    """A signal to its keeper, which has to be a process of that user; False if it is not there any more.
    PermissionError if it is not ours to signal.
    """
    if condition.keeper is None:
        return False
    try:
        process = os.pidfd_open(condition.keeper)
    except ProcessLookupError:
        return False
    try:
        # From here on the number cannot become another's; so it is now that it has to hold the file.
        is_it = holder(Home(path).pid) == condition.keeper
        if not is_it or os.stat(f"/proc/{condition.keeper}").st_uid != uid:  # noqa: PTH116 - paths are text here
            return False
        signal.pidfd_send_signal(process, number)
    except (ProcessLookupError, FileNotFoundError):
        return False
    finally:
        os.close(process)
    return True
