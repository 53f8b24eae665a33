"""Daemons that run, whether or not the configuration still knows them: by what their keepers were told."""

from __future__ import annotations

import os
import pwd
from typing import TYPE_CHECKING

from ayl.daemons.conditions import Health, look
from ayl.daemons.home import Home
from ayl.daemons.order import Order
from ayl.daemons.spec.model import Daemon, Kind

if TYPE_CHECKING:
    from collections.abc import Collection


def strays(directory: str, known: Collection[str]) -> list[Daemon]:
    """Those in that directory that have none of the names, and of which something is there."""
    try:
        names = sorted(os.listdir(directory))  # noqa: PTH208 - paths are text here
    except OSError:
        return []
    others = [(name, f"{directory}/{name}") for name in names if name not in known]
    return [_daemon(name, path) for name, path in others if look(name, path).health is not Health.STOPPED]


def _daemon(name: str, path: str) -> Daemon:
    """Enough of it to be stopped."""
    home = Home(path)
    try:
        told = Order.from_json(home.read(home.order))
    except (OSError, ValueError, KeyError, TypeError):
        return Daemon(name, Kind.COMMAND, (), "/", user=_owner(path), run=path)
    user, group = told.owner
    return Daemon(name, Kind(told.kind), told.command, told.directory, user, group, grace=told.grace, run=path)


def _owner(path: str) -> str:
    try:
        return pwd.getpwuid(os.lstat(path).st_uid).pw_name
    except (OSError, KeyError):
        return ""
