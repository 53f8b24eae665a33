"""Daemons that run and that their file no longer knows: by what their keepers were told."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ayl.daemons.conditions import Health, look
from ayl.daemons.home import Home
from ayl.daemons.order import Order
from ayl.daemons.spec.model import Daemon, Kind

if TYPE_CHECKING:
    from collections.abc import Collection


def strays(directory: str, known: Collection[str], source: str) -> list[Daemon]:
    """Those in that directory that came of the file `source` (an absolute path), have none of the names, and of which
    something is there. Who may not read what their keepers were told sees none.
    """
    try:
        names = sorted(os.listdir(directory))  # noqa: PTH208 - paths are text here
    except OSError:
        return []
    others = [(name, f"{directory}/{name}") for name in names if name not in known]
    there = [(name, path) for name, path in others if look(name, path).health is not Health.STOPPED]
    return [daemon for name, path in there if (daemon := _daemon(name, path, source)) is not None]


def _daemon(name: str, path: str, source: str) -> Daemon | None:
    """Enough of it to be stopped."""
    home = Home(path)
    try:
        told = Order.from_json(home.read(home.order))
        user, group = told.owner
        kind = Kind(told.kind)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if told.source != source:
        return None
    return Daemon(name, kind, told.command, told.directory, user, group, grace=told.grace, run=path, source=source)
