"""Processes of a daemon whose keeper was killed. Those that it had started itself have died with it; what these had
started may live on, and must not beside what comes next.
"""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

from ayl.daemons.state import State

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ayl.daemons.home import Home


def kill(home: Home, name: str) -> list[int]:
    """Those of the keeper that has left its state behind there; their numbers. Only the daemon's user's: it is he who
    has written the numbers down.
    """
    try:
        state = State.from_json(home.read(home.state))
        user = os.lstat(home.path).st_uid
    except (OSError, ValueError):
        return []
    sessions = {process.pid for process in state.processes}
    return [pid for pid in _numbers() if _session(pid) in sessions and _killed(pid, sessions, name, user)]


def _killed(pid: int, sessions: set[int], name: str, user: int) -> bool:
    """Whether it was one of them, and is killed."""
    try:
        process = os.pidfd_open(pid)
    except OSError:
        return False
    try:
        # From here on the number cannot become another's.
        if _session(pid) not in sessions or os.stat(f"/proc/{pid}").st_uid != user or not _is_marked(pid, name):  # noqa: PTH116
            return False
        signal.pidfd_send_signal(process, signal.SIGKILL)
    except OSError:
        return False
    finally:
        os.close(process)
    return True


def _numbers() -> Iterator[int]:
    return (int(name) for name in os.listdir("/proc") if name.isdigit())  # noqa: PTH208 - pathlib is large


def _session(pid: int) -> int:
    try:
        return os.getsid(pid)
    except OSError:
        return 0


def _is_marked(pid: int, name: str) -> bool:
    """Whether it was started for this daemon: the number of a session may be another's by now."""
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:  # noqa: PTH123 - as above
            return f"AYL_DAEMON={name}".encode() in file.read().split(b"\0")
    except OSError:
        return False
