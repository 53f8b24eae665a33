"""Daemons that run, whether or not the configuration still knows them: by what their keepers were told."""

from __future__ import annotations

import os
import pwd
from typing import TYPE_CHECKING

from ayl.daemons.conditions import Condition, Health, look
from ayl.daemons.home import Home
from ayl.daemons.order import Order
from ayl.daemons.spec.model import Daemon, Kind

if TYPE_CHECKING:
    from collections.abc import Collection

LONGEST_GRACE = 3600.0
"""Seconds."""


def strays(directory: str, known: Collection[str]) -> list[Daemon]:
    """Those in that directory that have none of the names, and of which something is there."""
    try:
        names = sorted(os.listdir(directory))  # noqa: PTH208 - paths are text here
    except OSError:
        return []
    others = [(name, f"{directory}/{name}") for name in names if name not in known]
    return [_daemon(name, path) for name, path in others if _is_there(look(name, path))]


def _is_there(condition: Condition) -> bool:
    return condition.keeper is not None or condition.health is not Health.STOPPED


def _daemon(name: str, path: str) -> Daemon:
    """Enough of it to be stopped. What it was told stands where its user can write, so it is only believed in how long
    its end may take, and not without limit.
    """
    home, user = Home(path), _owner(path)
    try:
        told = Order.from_json(home.read(home.order))
        kind = Kind(told.kind)
    except (OSError, ValueError):
        return Daemon(name, Kind.COMMAND, (), "/", user, run=path)
    return Daemon(name, kind, (), "/", user, grace=max(0.0, min(told.grace, LONGEST_GRACE)), run=path)


def _owner(path: str) -> str:
    try:
        return pwd.getpwuid(os.lstat(path).st_uid).pw_name
    except (OSError, KeyError):
        return ""
