"""What a configuration has to ask the machine: its users, its files."""

from __future__ import annotations

import grp
import os
import pwd
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Account:
    """A user of the machine."""

    name: str
    home: str
    shell: str


class Machine(Protocol):
    """What a configuration asks. None: there is no such thing. Only `read` and `listed` raise anything: OSError."""

    def account(self, user: str) -> Account | None:
        """The user of this name; of the empty name, whoever asks."""
        ...

    def has_group(self, group: str) -> bool:
        """Whether there is a group of this name."""
        ...

    def kind(self, path: str) -> str | None:
        """`file`, `directory` or `other`."""
        ...

    def is_executable(self, path: str) -> bool:
        """Whether it is a program."""
        ...

    def mode(self, path: str) -> int:
        """Its permissions; 0 if there is none."""
        ...

    def read(self, path: str, most: int) -> bytes:
        """The first `most` bytes of a file; OSError."""
        ...

    def listed(self, directory: str) -> Sequence[str]:
        """The names in it; OSError."""
        ...


class ThisMachine:
    """The one that this runs on."""

    def account(self, user: str) -> Account | None:
        try:
            entry = pwd.getpwnam(user) if user else pwd.getpwuid(os.geteuid())
        except KeyError:
            return None
        return Account(entry.pw_name, entry.pw_dir, entry.pw_shell)

    def has_group(self, group: str) -> bool:
        try:
            grp.getgrnam(group)
        except KeyError:
            return False
        return True

    def kind(self, path: str) -> str | None:
        try:
            mode = os.stat(path).st_mode  # noqa: PTH116 - a Path brings nothing here
        except (OSError, ValueError):
            return None
        return "file" if stat.S_ISREG(mode) else "directory" if stat.S_ISDIR(mode) else "other"

    def is_executable(self, path: str) -> bool:
        return self.kind(path) == "file" and os.access(path, os.X_OK)

    def mode(self, path: str) -> int:
        try:
            return stat.S_IMODE(os.stat(path).st_mode)  # noqa: PTH116 - as above
        except (OSError, ValueError):
            return 0

    def read(self, path: str, most: int) -> bytes:
        # Without O_NONBLOCK, a named pipe would be waited for.
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:  # noqa: PTH123 - as above
            return file.read(most) or b""

    def listed(self, directory: str) -> Sequence[str]:
        return os.listdir(directory)  # noqa: PTH208 - as above
