"""A machine that is made up: with these users, groups, files and programs and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ayl.daemons.spec.machine import Account
from ayl.daemons.spec.problems import BadConfiguration
from ayl.daemons.spec.reading import read

if TYPE_CHECKING:
    from ayl.daemons.spec.model import Configuration, Daemon

PATH = "/etc/ayl/daemons.yml"
PYTHON = "/opt/ayl/bin/python"

SHOP = """\
applications:
  shop:
    path: /srv/shop
    virtualenv: .venv
    modules: [shop.models]
    groups:
      web: {}
"""
"""The least that runs workers."""


@dataclass
class Imagined:
    """A `Machine`."""

    files: dict[str, bytes] = field(default_factory=dict)
    directories: set[str] = field(default_factory=lambda: {"/srv/shop", "/srv/shop/.venv", "/var/lib/ayl"})
    programs: set[str] = field(
        default_factory=lambda: {"/srv/shop/.venv/bin/python", PYTHON, "/opt/ayl/bin/ayl_server", "/usr/bin/python3"}
    )
    users: tuple[str, ...] = ("root", "shop", "ayl")
    groups: tuple[str, ...] = ("root", "shop", "ayl")
    myself: str = "ayl"
    modes: dict[str, int] = field(default_factory=dict)
    unreadable: set[str] = field(default_factory=set)
    interpreter: str = PYTHON

    def account(self, user: str) -> Account | None:
        user = user or self.myself
        return Account(user, f"/home/{user}", "/bin/bash") if user in self.users else None

    def has_group(self, group: str) -> bool:
        return group in self.groups

    def exists(self, path: str) -> bool:
        return path in self.files or path in self.programs or self.is_directory(path)

    def is_directory(self, path: str) -> bool:
        return path in self.directories or any(name.startswith(f"{path}/") for name in self.files)

    def is_file(self, path: str) -> bool:
        return path in self.files or path in self.programs

    def is_program(self, path: str) -> bool:
        return path in self.programs

    def mode(self, path: str) -> int:
        return self.modes.get(path, 0o640)

    def read(self, path: str, most: int) -> bytes:
        self._look(path)
        return self.files[path][:most]

    def listed(self, directory: str) -> list[str]:
        self._look(directory)
        return [name.removeprefix(f"{directory}/") for name in self.files if name.startswith(f"{directory}/")]

    def _look(self, path: str) -> None:
        if path in self.unreadable:
            raise PermissionError(13, "Permission denied", path)


def configured(text: str | bytes, machine: Imagined | None = None, /, **variables: str) -> Configuration:
    """What this file says, on that machine."""
    machine = machine or Imagined()
    machine.files[PATH] = text if isinstance(text, bytes) else text.encode()
    return read(PATH, machine, variables)


def problems(text: str | bytes, machine: Imagined | None = None, /, **variables: str) -> list[str]:
    """What is wrong with it, in the words that the operator reads; without the path of the file."""
    try:
        configured(text, machine, **variables)
    except BadConfiguration as error:
        return [line.removeprefix(f"{PATH}:").replace(f"{PATH}:", "") for line in str(error).splitlines()]
    return []


def daemon(text: str, name: str, machine: Imagined | None = None, /, **variables: str) -> Daemon:
    """That daemon of it."""
    (found,) = [daemon for daemon in configured(text, machine, **variables).daemons if daemon.name == name]
    return found
