"""What a daemon needs before it is started: its directory, the order in that, its log, a place for its data.

Root makes these for other users, where paths are of their making, too. So it makes nothing where anybody else could
lead it astray.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from errno import EPERM
from typing import TYPE_CHECKING

from ayl.daemons.errors import CannotStart
from ayl.daemons.home import Home
from ayl.daemons.owners import owner

if TYPE_CHECKING:
    from ayl.daemons.order import Order

DIRECTORY_MODE = 0o755
"""Everybody may see how a daemon is."""

LOG_MODE = 0o640

DATA_MODE = 0o700

MOST_LINKS = 40
"""On the way to a directory, as the kernel has it."""


def prepare(order: Order, path: str) -> None:
    """Make its directory, its order and its log file ready, all of its user. CannotStart if that cannot be."""
    ids = owner(order.name, *order.owner)
    home = Home(path)
    try:
        _make_directory(path, ids)
        path = order.data or path
        _make_data(order.data, ids)
        path = home.path
        home.write(home.order, order.to_json(), 0o600, ids if os.geteuid() == 0 else None)
        path = order.log or path
        _make_log(order.log, ids)
    except OSError as error:
        raise CannotStart(order.name, f"{path} cannot be made: {error.strerror or error}") from None


def _make_directory(path: str, ids: tuple[int, int]) -> None:
    parent, name = os.path.split(path)
    if os.geteuid() != 0 or ids[0] == 0:
        os.makedirs(parent, DIRECTORY_MODE, exist_ok=True)  # noqa: PTH103 - paths are text here
        above = os.open(parent, os.O_RDONLY | os.O_DIRECTORY)
    else:
        found = _directory_of_root(parent)
        if found is None:
            raise PermissionError(EPERM, f"others than root can change where {parent} leads to")
        above = found
    try:
        with suppress(FileExistsError):
            os.mkdir(name, DIRECTORY_MODE, dir_fd=above)
        own = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=above)
    finally:
        os.close(above)
    try:
        if os.geteuid() == 0:
            os.fchown(own, *ids)
        os.fchmod(own, DIRECTORY_MODE)
    finally:
        os.close(own)


def _make_data(path: str, ids: tuple[int, int]) -> None:
    """For its user alone. One that is there stays as it is: whoever made it knows why."""
    if not path:
        return
    parent, name = os.path.split(path)
    os.makedirs(parent, DIRECTORY_MODE, exist_ok=True)  # noqa: PTH103 - as above
    above = os.open(parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with suppress(FileExistsError):
            os.mkdir(name, DATA_MODE, dir_fd=above)
            if os.geteuid() == 0:
                # By its descriptor: a link that somebody puts there meanwhile is not followed.
                made = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=above)
                try:
                    os.fchown(made, *ids)
                finally:
                    os.close(made)
    finally:
        os.close(above)


def _make_log(log: str, ids: tuple[int, int]) -> None:
    """For a user who may not make one there. Where root is not alone in saying what is there, it makes nothing."""
    if not log or os.geteuid() != 0:
        return
    parent, name = os.path.split(log)
    directory = _directory_of_root(parent)
    if directory is None:
        return
    try:
        with suppress(FileExistsError):
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
            descriptor = os.open(name, flags, LOG_MODE, dir_fd=directory)
            os.fchown(descriptor, *ids)
            os.close(descriptor)
    finally:
        os.close(directory)


def _directory_of_root(path: str) -> int | None:
    """A descriptor of it, made if need be, along with those above; None if anybody but root could change where that
    path leads to. Each step is taken from the directory before, for one that was looked at may be another by then.
    """
    steps, links = _steps(path), 0
    at = os.open("/", os.O_RDONLY | os.O_DIRECTORY)
    while _is_roots(at):
        if not steps:
            return at
        name = steps.pop(0)
        try:
            with suppress(FileExistsError):
                os.mkdir(name, DIRECTORY_MODE, dir_fd=at)
            at = _moved(at, os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=at))
        except NotADirectoryError:
            links += 1
            if links > MOST_LINKS or not _is_roots(at, alone=True):
                break
            target = os.readlink(name, dir_fd=at)
            steps = _steps(target) + steps
            if target.startswith("/"):
                at = _moved(at, os.open("/", os.O_RDONLY | os.O_DIRECTORY))
    os.close(at)
    return None


def _steps(path: str) -> list[str]:
    return [name for name in path.split("/") if name not in ("", ".")]


def _moved(old: int, new: int) -> int:
    os.close(old)
    return new


def _is_roots(directory: int, *, alone: bool = False) -> bool:
    """Whether nobody but root can change what is root's there. `alone`: nor make anything there, as in /tmp."""
    found = os.fstat(directory)
    is_open = found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return found.st_uid == 0 and (not is_open or (not alone and bool(found.st_mode & stat.S_ISVTX)))
