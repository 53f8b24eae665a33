"""Daemons that run and that their file no longer knows: by what their keepers were told."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ayl.daemons.conditions import Condition, Health, look
from ayl.daemons.home import Home
from ayl.daemons.order import Order
from ayl.daemons.spec.model import Daemon, Kind

if TYPE_CHECKING:
    from collections.abc import Collection

LONGEST_GRACE = 3600.0
"""Seconds."""


def strays(directory: str, known: Collection[str], source: str | None) -> list[Daemon]:
    """Those in that directory that came of the file `source` (an absolute path), have none of the names, and of which
    something is there. Who may not read what their keepers were told sees none. `source` None: of whatever file, and
    whatever their keepers were told.
    """
    try:
        names = sorted(os.listdir(directory))  # noqa: PTH208 - paths are text here
    except OSError:
        return []
    others = [(name, f"{directory}/{name}") for name in names if name not in known]
    there = [(name, path) for name, path in others if _is_there(look(name, path))]
    return [daemon for name, path in there if (daemon := _daemon(name, path, source)) is not None]


def _is_there(condition: Condition) -> bool:
    return condition.keeper is not None or condition.health is not Health.STOPPED


def _daemon(name: str, path: str, source: str | None) -> Daemon | None:
    """Enough of it to be stopped. What it was told stands where its user can write, so it is only believed in how long
    its end may take, and not without limit.
    """
    home = Home(path)
    try:
        told = Order.from_json(home.read(home.order))
        kind = Kind(told.kind)
    except (OSError, ValueError):
        return Daemon(name, Kind.COMMAND, (), "/", run=path) if source is None else None
    if source not in (None, told.source):
        return None
    return Daemon(name, kind, (), "/", grace=max(0.0, min(told.grace, LONGEST_GRACE)), run=path, source=told.source)
