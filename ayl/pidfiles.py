"""Pid files that cannot be stale: the lock on one is believed, never its text.

A lock of `fcntl` ends with the process that holds it, however that dies, and the kernel tells who holds it. So a number
that another process has by now is no danger, and who may write to the file cannot make others signal whom they like.
"""

from __future__ import annotations

import fcntl
import os
import stat
import struct
from contextlib import suppress

TYPE_CHECKING = False  # a supervisor loads this, and typing is large
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

_FLOCK = "hhqqi4x"
"""`struct flock`, as the system's libraries have it: type, whence, start, length, pid."""


class PidFileHeld(OSError):
    """Another process holds it."""

    def __init__(self, path: str, pid: int | None) -> None:
        super().__init__(f"{path} is held by another process" + (f", {pid}" if pid else ""))
        self.path = path
        self.pid = pid
        """Who; None if that one has just gone."""


class PidFile:
    """One that this process is to hold, until its end; a context manager.

    Nothing in this process may open the same file beside it: closing that would give up the lock.
    """

    def __init__(self, path: str, descriptor: int = -1) -> None:
        """`descriptor`: of the file, where this process has taken it before it became another program (exec)."""
        self.path = path
        self._descriptor = descriptor

    def fileno(self) -> int:
        """To be handed on to the program that takes the place of this one; it is not inherited otherwise."""
        return self._descriptor

    def take(self) -> None:
        """Hold it, and write this process's number into it. PidFileHeld if another does; OSError as of any file."""
        while True:
            descriptor = _opened(self.path)
            try:
                _lock(self.path, descriptor)
                if _is_there(self.path, descriptor):
                    os.ftruncate(descriptor, 0)
                    os.pwrite(descriptor, b"%d\n" % os.getpid(), 0)
                    self._descriptor = descriptor
                    return
            except BaseException:
                os.close(descriptor)
                raise
            # Its holder has removed it between our two steps, and who comes next would make another.
            os.close(descriptor)

    def is_there(self) -> bool:
        """Whether the file that it holds is the one at its path, and not removed, or another's in its place."""
        return _is_there(self.path, self._descriptor)

    def leave(self) -> None:
        """Remove it."""
        if self._descriptor >= 0:
            with suppress(FileNotFoundError):
                if self.is_there():
                    os.unlink(self.path)  # noqa: PTH108 - pathlib is large; first, so that nobody takes what goes away
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Self:
        self.take()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _where: TracebackType | None
    ) -> None:
        self.leave()


def holder(path: str) -> int | None:
    """The process that holds it, as the kernel says; None if none does or there is no such file. OSError if it cannot
    be read. Not to be asked by the holder itself.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    try:
        return locker(descriptor)
    finally:
        os.close(descriptor)


def discard(path: str, *, alone: bool = False) -> None:
    """Remove one that nobody holds. It is locked meanwhile, so that nobody loses what he takes in that moment.
    PidFileHeld if another process holds it; OSError as of any file.

    `alone`: no other process calls this for it. Then what others lock for reading, which all can who may read it, goes
    as well; and so does what is no file.
    """
    above, name = os.path.split(path)
    try:
        # A link in its place would lead root to somebody else's file.
        directory = os.open(above or ".", os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return
    try:
        if stat.S_ISREG(os.stat(name, dir_fd=directory, follow_symlinks=False).st_mode):
            _discard(path, directory, fcntl.LOCK_SH if alone else fcntl.LOCK_EX)
        elif alone:  # nobody can hold it
            os.unlink(name, dir_fd=directory)
    except FileNotFoundError:
        return
    finally:
        os.close(directory)


def _discard(path: str, directory: int, lock: int) -> None:
    name = os.path.basename(path)  # noqa: PTH119 - as above
    descriptor = os.open(name, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=directory)
    try:
        _lock(path, descriptor, lock)
        if os.path.samestat(os.stat(name, dir_fd=directory, follow_symlinks=False), os.fstat(descriptor)):
            os.unlink(name, dir_fd=directory)
    finally:
        os.close(descriptor)


def locker(descriptor: int, start: int = 0, length: int = 0) -> int | None:
    """The process that keeps us from locking these bytes of a file (0: all there are), as the kernel says; None if none
    does. OSError as of any file.
    """
    asked = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, start, length, 0)
    kind, _, _, _, pid = struct.unpack(_FLOCK, fcntl.fcntl(descriptor, fcntl.F_GETLK, asked))
    # Of a lock that belongs to no process the kernel says -1: for kill(2), that would be everybody.
    return pid if kind != fcntl.F_UNLCK and pid > 0 else None


def _opened(path: str) -> int:
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK
    descriptor = os.open(path, flags, 0o644)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise FileExistsError(f"{path} is no file that could hold a process's number")
    return descriptor


def _lock(path: str, descriptor: int, kind: int = fcntl.LOCK_EX) -> None:
    try:
        fcntl.lockf(descriptor, kind | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        raise PidFileHeld(path, locker(descriptor)) from None


def _is_there(path: str, descriptor: int) -> bool:
    try:
        found = os.stat(path, follow_symlinks=False)  # noqa: PTH116 - as above
    except FileNotFoundError:
        return False
    return os.path.samestat(found, os.fstat(descriptor))
