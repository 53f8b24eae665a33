"""One directory with files of known size: all that the binlog asks of an operating system.

`Disk` is the interface, so that a simulated disk can tear writes and lose what was not synced; `Directory` is
the real one. Errors are OSError.
"""

import errno
import fcntl
import os
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

MODE = 0o600
"""Jobs may hold anything, so nobody but the server's user reads them."""


class File(Protocol):
    """A file that is open for writing."""

    def write(self, offset: int, data: bytes) -> None:
        """All of `data`, from `offset` on."""

    def sync(self) -> None:
        """Return when all that was written is on the disk."""

    def close(self) -> None: ...


class Disk(Protocol):
    """A directory."""

    def names(self) -> list[str]: ...

    def size(self, name: str) -> int: ...

    def read(self, name: str, offset: int, size: int) -> bytes:
        """Up to `size` bytes; fewer only at the end of the file."""

    def create(self, name: str, size: int) -> File:
        """A new file of that size whose blocks are the file's already, so that writing into it cannot fill the disk."""

    def open(self, name: str) -> File: ...

    def rename(self, old: str, new: str) -> None: ...

    def remove(self, name: str) -> None: ...

    def sync(self) -> None:
        """Return when all creations, renamings and removals are on the disk."""


class LogFullError(OSError):
    """There is no room left even for old jobs; it takes a disk that gives less than it promised."""

    def __init__(self) -> None:
        super().__init__(errno.ENOSPC, os.strerror(errno.ENOSPC))


class LockedError(Exception):
    """Another server uses the directory."""


class Directory:
    """A directory of this machine, locked for this process while it lives."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            self._lock = lock(path, self._descriptor)
        except BaseException:
            os.close(self._descriptor)
            raise

    def names(self) -> list[str]:
        return os.listdir(self._descriptor)  # noqa: PTH208 - by descriptor: the path may name another directory by now

    def size(self, name: str) -> int:
        return os.stat(name, dir_fd=self._descriptor).st_size

    def read(self, name: str, offset: int, size: int) -> bytes:
        descriptor = os.open(name, os.O_RDONLY | os.O_CLOEXEC, dir_fd=self._descriptor)
        try:
            pieces = []
            while size and (piece := os.pread(descriptor, size, offset)):
                pieces.append(piece)
                offset += len(piece)
                size -= len(piece)
            return pieces[0] if len(pieces) == 1 else b"".join(pieces)
        finally:
            os.close(descriptor)

    def create(self, name: str, size: int) -> "OpenFile":
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        descriptor = os.open(name, flags, MODE, dir_fd=self._descriptor)
        try:
            os.posix_fallocate(descriptor, 0, size)
        except OSError:
            os.close(descriptor)
            self.remove(name)
            raise
        return OpenFile(descriptor)

    def open(self, name: str) -> "OpenFile":
        return OpenFile(os.open(name, os.O_WRONLY | os.O_CLOEXEC, dir_fd=self._descriptor))

    def rename(self, old: str, new: str) -> None:
        os.rename(old, new, src_dir_fd=self._descriptor, dst_dir_fd=self._descriptor)

    def remove(self, name: str) -> None:
        os.unlink(name, dir_fd=self._descriptor)

    def sync(self) -> None:
        os.fsync(self._descriptor)

    def close(self) -> None:
        """Let another server have the directory."""
        os.close(self._lock)
        os.close(self._descriptor)


class OpenFile:
    """A file of a `Directory`."""

    __slots__ = ("descriptor",)

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    def write(self, offset: int, data: bytes) -> None:
        written = os.pwrite(self.descriptor, data, offset)
        while written < len(data):
            offset += written
            data = data[written:]
            written = os.pwrite(self.descriptor, data, offset)

    def sync(self) -> None:
        os.fdatasync(self.descriptor)

    def close(self) -> None:
        os.close(self.descriptor)


def lock(path: Path, directory: int) -> int:
    """Keep every other server out of the directory until both descriptors are closed; LockedError if one is in.

    Two locks: the one on the directory also works between two servers of one process; the record lock on `lock` is
    beanstalkd's, so that neither server starts in the other's directory. The file is opened second, because a process
    that closes it gives up its record lock, whoever of it holds that.
    """
    _or_locked(path, fcntl.flock, directory)
    descriptor = os.open(path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, MODE)
    try:
        _or_locked(path, fcntl.lockf, descriptor)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _or_locked(path: Path, take: Callable[[int, int], object], descriptor: int) -> None:
    try:
        take(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EAGAIN):
            raise LockedError(f"another server uses {path}") from None
        raise
