"""The directory of one daemon: what is where in it, and how it is written.

It belongs to the daemon's user, and root writes and reads there too: so no link is followed, and what is written
replaces what was there in one step.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

LARGEST = 1_000_000
"""Bytes that are read of a file there."""


class Home:
    """By its path."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.pid = f"{path}/pid"
        """Held by the keeper (`ayl.pidfiles`)."""
        self.order = f"{path}/order.json"
        """What is to run; environments have secrets, so it is for the daemon's user alone."""
        self.handover = f"{path}/handover.json"
        """What a keeper leaves to the program that takes its place, for a moment."""
        self.state = f"{path}/state.json"
        """How it is; for everybody."""

    def socket(self, number: int) -> str:
        """Where one process of the daemon says how it is."""
        return f"{self.path}/notify.{number}"

    def worker(self, number: int) -> str:
        """Where one `ayl_worker` of it tells what it does (`ayl_worker status PATH`)."""
        return f"{self.path}/worker.{number}"

    def read(self, path: str) -> str:
        """A file of it. OSError if it cannot be read or is none of ours."""
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise FileExistsError(errno.EEXIST, "no regular file", path)
            with open(descriptor, encoding="utf-8", errors="replace", closefd=False) as file:
                return file.read(LARGEST)
        finally:
            os.close(descriptor)

    def write(self, path: str, text: str, mode: int, owner: tuple[int, int] | None = None) -> None:
        """Put a file there in place of what was. `owner`: user and group that it is given to."""
        new = f"{path}.{os.urandom(4).hex()}"
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        try:
            with open(descriptor, "w", encoding="utf-8") as file:  # noqa: PTH123 - it is open already
                file.write(text)
                file.flush()
                if owner is not None:
                    os.fchown(descriptor, *owner)
                os.fchmod(descriptor, mode)
            os.replace(new, path)  # noqa: PTH105 - pathlib is large for a process that stays
        except BaseException:
            _remove(new)
            raise

    def clear(self, but: str = "") -> None:
        """Remove what is in it but that one. What cannot be removed (somebody's directory) is no reason to fail."""
        self._remove(lambda name: f"{self.path}/{name}" != but)

    def clear_sockets(self) -> None:
        """Remove those of all processes: nobody answers there any more."""
        self._remove(lambda name: name.startswith(("notify.", "worker.")))

    def remove(self) -> None:
        """With all that is in it, but for a pid file (`ayl.pidfiles.discard`) and where that is. For who is alone with
        it: others would lose what they have just made.
        """
        self.clear(but=self.pid)
        with suppress(OSError):  # its parent is another's: whoever has made it removes it
            os.rmdir(self.path)  # noqa: PTH106 - as above

    def _remove(self, is_meant: Callable[[str], bool]) -> None:
        """All of those names. A link in the place of the directory would lead root to somebody else's files."""
        try:
            directory = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except OSError:
            return
        try:
            for name in filter(is_meant, os.listdir(directory)):  # noqa: PTH208 - as above
                with suppress(OSError):
                    os.unlink(name, dir_fd=directory)
        finally:
            os.close(directory)


def _remove(path: str) -> None:
    with suppress(OSError):
        os.unlink(path)  # noqa: PTH108 - as above
