"""What a configuration has to ask the machine: its users, its files."""

from __future__ import annotations

import grp
import os
import pwd
import stat
import sys
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
    """What a configuration asks. Only `read` and `listed` raise anything: OSError."""

    @property
    def interpreter(self) -> str:
        """The Python that runs this."""
        ...

    def account(self, user: str) -> Account | None:
        """The user of this name; of the empty name, whoever asks. None: there is none."""
        ...

    def has_group(self, group: str) -> bool:
        """Whether there is a group of this name."""
        ...

    def exists(self, path: str) -> bool:
        """Whether there is something."""
        ...

    def is_directory(self, path: str) -> bool:
        """Whether it is a directory."""
        ...

    def is_file(self, path: str) -> bool:
        """Whether it is an ordinary file."""
        ...

    def is_program(self, path: str) -> bool:
        """Whether it is a file that can be run."""
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


@dataclass(frozen=True, slots=True)
class Trusted:
    """A machine on which there is whatever is asked for, for what is none of the business of whoever asks: they may
    not be permitted to look.
    """

    interpreter: str

    def account(self, user: str) -> Account | None:
        return Account(user, "/", "/bin/sh")

    def has_group(self, group: str) -> bool:
        return True

    def exists(self, path: str) -> bool:
        return True

    def is_directory(self, path: str) -> bool:
        return True

    def is_file(self, path: str) -> bool:
        return True

    def is_program(self, path: str) -> bool:
        return True

    def mode(self, path: str) -> int:
        return 0

    def read(self, path: str, most: int) -> bytes:
        return b""

    def listed(self, directory: str) -> Sequence[str]:
        return ()


class ThisMachine:
    """The one that this runs on."""

    @property
    def interpreter(self) -> str:
        return sys.executable

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

    def exists(self, path: str) -> bool:
        return os.path.exists(path)  # noqa: PTH110 - a Path brings nothing here

    def is_directory(self, path: str) -> bool:
        return os.path.isdir(path)  # noqa: PTH112 - as above

    def is_file(self, path: str) -> bool:
        return os.path.isfile(path)  # noqa: PTH113 - as above

    def is_program(self, path: str) -> bool:
        return os.path.isfile(path) and os.access(path, os.X_OK)  # noqa: PTH113 - as above

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
