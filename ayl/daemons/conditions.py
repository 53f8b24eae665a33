"""How a daemon is, as anybody can see it: whether somebody holds its pid file, and what the keeper has written down."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from enum import Enum

from ayl.daemons.home import Home
from ayl.daemons.state import State
from ayl.pidfiles import holder

SLOW_START_SECONDS = 60.0
"""One that does not work after so long is told as troubled."""


class Health(Enum):
    """In one word."""

    WELL = "well"
    """It works, or has ended as it was told."""
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
    if pid is None or not _is_owners(pid, path):
        return Condition(name, None, None, Health.DEAD if os.path.lexists(home.pid) else Health.STOPPED)
    state = _state(home)
    if state is None or state.keeper != pid:
        return Condition(name, pid, None, Health.WELL)  # it has just begun
    return Condition(name, pid, state, _health(state))


def _state(home: Home) -> State | None:
    try:
        return State.from_json(home.read(home.state))
    except (OSError, ValueError):
        return None


def _is_owners(pid: int, path: str) -> bool:
    """Whether a process is one of the daemon's user, whose the directory is. Who may read a file may lock it, too, in a
    way that keeps others from it.
    """
    try:
        return _user(pid) == os.lstat(path).st_uid
    except FileNotFoundError:  # where /proc shows one's own processes only
        return True


def _user(pid: int) -> int:
    """Its real one: while a process becomes another, its directory in /proc is root's. FileNotFoundError if it cannot
    be seen.
    """
    try:
        with open(f"/proc/{pid}/status", encoding="utf-8", errors="replace") as file:  # noqa: PTH123 - paths are text
            return next(int(line.split()[1]) for line in file if line.startswith("Uid:"))
    except ProcessLookupError:
        raise FileNotFoundError from None


def _health(state: State) -> Health:
    if state.state == "pausing" or (state.state in ("starting", "replacing") and state.failures):
        return Health.TROUBLED
    if state.state == "starting" and time.time() - state.since > SLOW_START_SECONDS:
        return Health.TROUBLED
    if state.state == "ended":
        return Health.WELL if state.has_done_its_part else Health.TROUBLED
    return Health.WELL


def send(condition: Condition, path: str, number: int) -> bool:
    """A signal to its keeper; False if it is not there any more. PermissionError if it is not ours to signal.

    Root asks the directory, which it has given to the daemon's user, and nothing that this user has written in it.
    """
    if condition.keeper is None:
        return False
    try:
        process = os.pidfd_open(condition.keeper)
    except ProcessLookupError:
        return False
    try:
        # From here on the number cannot become another's; so it is now that it has to hold the file.
        if holder(Home(path).pid) != condition.keeper or not _is_owners(condition.keeper, path):
            return False
        signal.pidfd_send_signal(process, number)
    except (ProcessLookupError, FileNotFoundError):
        return False
    finally:
        os.close(process)
    return True
