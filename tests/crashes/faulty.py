"""Run a Python command on a disk with faults: `python faulty.py FOLDER COMMAND ...`.

Needs neither root nor a compiler, so it works wherever the tests do. Files in FOLDER say what goes wrong, and may
come and go while the command runs:

    quota       bytes that the files of a directory may have together; beyond that, allocation fails with ENOSPC
    pwrite, fdatasync, fsync, rename, unlink, posix_fallocate, pread, open
                the name of the error (EIO) that every such call fails with
    die         `rename 3`: at its third such call the process kills itself, a write being done by half;
                `any 3`: at the third of all calls that change the disk; read once, at the start
    calls       every call is noted in there, a line each, if the file is there at the start
"""

from __future__ import annotations

import errno
import os
import runpy
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

CALLS = ("open", "posix_fallocate", "pread", "pwrite", "fdatasync", "fsync", "rename", "unlink")

LETHAL = frozenset(CALLS) - {"pread", "open"}
"""Before which the process may die: these change something on the disk."""


class Disk:
    """The calls as they are with the faults that the folder asks for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.real: dict[str, Callable[..., Any]] = {name: getattr(os, name) for name in CALLS}
        self.victim, _, left = (self.asked("die") or "none 0").partition(" ")
        self.left = int(left)
        self.noted: int | None = None
        with suppress(FileNotFoundError):
            self.noted = self.real["open"](folder / "calls", os.O_WRONLY | os.O_APPEND)

    def asked(self, name: str) -> str:
        try:
            descriptor = self.real["open"](self.folder / name, os.O_RDONLY)
        except FileNotFoundError:
            return ""
        try:
            return os.read(descriptor, 100).decode().strip()
        finally:
            os.close(descriptor)

    def call(self, name: str, *arguments: Any, **more: Any) -> Any:
        if self.noted is not None:
            os.write(self.noted, f"{name}\n".encode())
        if error := self.asked(name):
            number = getattr(errno, error)
            raise OSError(number, os.strerror(number))
        if name == "posix_fallocate":
            self._obey_quota(arguments[0], arguments[2])
        if name == self.victim or (name in LETHAL and self.victim == "any"):
            self.left -= 1
            if not self.left:
                self._die(name, arguments)
        return self.real[name](*arguments, **more)

    def _die(self, name: str, arguments: tuple[Any, ...]) -> None:
        if name == "pwrite":
            descriptor, data, offset = arguments
            self.real["pwrite"](descriptor, data[: len(data) // 2], offset)
        os.kill(os.getpid(), signal.SIGKILL)

    def _obey_quota(self, descriptor: int, size: int) -> None:
        if quota := self.asked("quota"):
            folder = Path(f"/proc/self/fd/{descriptor}").readlink().parent
            if size + sum(path.stat().st_size for path in folder.iterdir()) > int(quota):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def main() -> None:
    """Put the faulty calls in place of the real ones, and go on as the command."""
    disk = Disk(Path(sys.argv[1]))

    def faulty(name: str) -> Callable[..., Any]:
        return lambda *arguments, **more: disk.call(name, *arguments, **more)

    for name in CALLS:
        setattr(os, name, faulty(name))
    del sys.argv[:2]
    runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    main()
