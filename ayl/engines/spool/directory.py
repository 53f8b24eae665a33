"""The spool's directory: whose it is, how it is opened, and the locks in it.

Everything is opened relative to a descriptor of the directory and never through a symbolic link, for one operation at a
time: so a fork inherits nothing, and a directory that was removed meanwhile is made anew.
"""

import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from time import monotonic, sleep
from typing import TYPE_CHECKING

from ayl.errors import AylError, SpoolUnusable

if TYPE_CHECKING:
    from pathlib import Path  # large, and not needed to see that there is nothing

DIRECTORY_MODE = 0o700
FILE_MODE = 0o600
OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH

LOCK_SECONDS = 5.0
"""How long to wait for another process that holds a lock, which takes one write and one sync."""
BRIEF_SECONDS = 0.2
"""The same for who only delivers, beside other work, and can come again."""
FIRST_PAUSE, LONGEST_PAUSE = 0.001, 0.02
"""Seconds between two looks at a lock: the kernel's own waiting has no end that could be set."""

CURES = {
    errno.ENOSPC: "make room on that disk",
    errno.EDQUOT: "make room within this user's quota",
    errno.EROFS: "set `spool` to a directory that can be written",
    errno.EACCES: "let this user write there, or set `spool` to a directory of its own",
    errno.EPERM: "let this user write there, or set `spool` to a directory of its own",
    errno.ENOTDIR: "set `spool` to a directory",
    errno.ENOENT: "make it, or set `spool` to another directory",
    errno.EIO: "look after that disk",
}
"""What an operator can do about an error of the disk."""


def unusable(path: str, error: OSError) -> SpoolUnusable:
    """The error for a directory that the system refuses to work with."""
    cure = CURES.get(error.errno or 0, "look after that disk, or set `spool` to another directory")
    return SpoolUnusable(f"the spool {path} cannot be used: {error.strerror or error}; {cure}")


class Missing(Exception):
    """There is no such directory, so nothing waits in it."""


@contextmanager
def opened(path: str, *, make: bool = False) -> Iterator[int]:
    """A descriptor of the directory. SpoolUnusable if it is not to be trusted, or the disk refuses what is done in it.

    Without `make` a directory that does not exist is `Missing`: nothing waits there.
    """
    try:
        if make:
            from pathlib import Path

            _make(Path(path))
        directory = _opened(path, make)
        try:
            _check(path, os.fstat(directory))
            yield directory
        finally:
            os.close(directory)
    except AylError:  # some of ours are OSErrors too
        raise
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENOTDIR) and os.path.islink(path):  # noqa: PTH114 - as above
            raise SpoolUnusable(f"the spool {path} is a symbolic link; set `spool` to the directory itself") from None
        raise unusable(path, error) from error


def _opened(path: str, make: bool) -> int:
    try:
        return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        if make or os.path.lexists(path):
            raise
        raise Missing(path) from None


def holds(path: str, ending: str) -> bool:
    """Whether there is a file with such a name. SpoolUnusable as above."""
    try:
        with opened(path) as directory:
            return any(name.endswith(ending) for name in os.listdir(directory))  # noqa: PTH208 - of a descriptor
    except Missing:
        return False


def _make(path: "Path") -> None:
    """The directory and those above it, each on the disk before anything is put into it."""
    if path.is_dir():
        return
    _make(path.parent)
    with suppress(FileExistsError):  # another process was quicker, or something else is there: opening it tells
        path.mkdir(DIRECTORY_MODE)
    above = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(above)
    finally:
        os.close(above)


def _check(path: str, status: os.stat_result) -> None:
    if status.st_uid != os.geteuid():
        raise SpoolUnusable(
            f"the spool {path} belongs to user {status.st_uid}, and this process runs as {os.geteuid()}; "
            "become that user, or set `spool` to a directory of this user's own"
        )
    if status.st_mode & OTHERS_WRITE:
        raise SpoolUnusable(f"the spool {path} can be written by other users; take that away: chmod go-w {path}")


def open_file(directory: int, name: str, flags: int) -> int:
    """A file of the directory, or a new one (O_CREAT), which only its owner may read. OSError if it is no such file."""
    file = os.open(name, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, FILE_MODE, dir_fd=directory)
    status = os.fstat(file)
    if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid():
        os.close(file)
        raise OSError(errno.EPERM, f"{name} is not a file of this user's own")
    return file


# Locks

_held: set[int] = set()
"""Descriptors of the locks that threads of this process hold."""


def _let_go() -> None:
    """In a forked child: the lock is its parent's, and must end with that one."""
    for file in _held:
        with suppress(OSError):
            os.close(file)
    _held.clear()


os.register_at_fork(after_in_child=_let_go)


@contextmanager
def locked(directory: int, name: str, seconds: float = LOCK_SECONDS) -> Iterator[bool]:
    """Keep other processes and threads out; whether that could be done within so many seconds.

    The kernel lets go of the lock of a process that dies, at whatever moment.
    """
    file = open_file(directory, name, os.O_RDWR | os.O_CREAT)
    _held.add(file)
    try:
        yield _acquired(file, monotonic() + seconds)
    finally:
        if file in _held:  # else this is a child that was forked meanwhile
            _held.remove(file)
            fcntl.flock(file, fcntl.LOCK_UN)  # not by closing alone: a fork in C shares the lock unseen
            os.close(file)


def _acquired(file: int, give_up: float) -> bool:
    pause = FIRST_PAUSE
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            left = give_up - monotonic()
            if left <= 0:
                return False
            sleep(min(pause, left))
            pause = min(2 * pause, LONGEST_PAUSE)
        else:
            return True
