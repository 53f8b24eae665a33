"""What all daemons of a configuration are made with: the machine, the directories, and whom to tell what is wrong."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ayl.daemons.spec.addresses import MAX_SOCKET_PATH
from ayl.daemons.spec.problems import Problem, shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ayl.daemons.spec.machine import Account, Machine
    from ayl.daemons.spec.problems import Place
    from ayl.daemons.spec.reader import Found, Section, Trouble

LONGEST_SOCKET = "notify.999999"
"""The name of a socket in a daemon's directory, which ends with the number of a process."""


@dataclass(frozen=True, slots=True)
class Site:
    """Checks answer whether all is well, and tell what is not."""

    machine: Machine
    variables: Mapping[str, str]
    trouble: Trouble
    run: str
    log: str
    state: str

    def directory(self, found: Found, path: str) -> bool:
        """Whether this is one; the empty path, of which something else was wrong already, is."""
        if not path or self.machine.is_directory(path):
            return True
        what = "is no directory" if self.machine.exists(path) else "does not exist"
        self.trouble.add(found, f"{path} {what}; expected a directory")
        return False

    def file(self, found: Found, path: str) -> bool:
        """Whether this is one."""
        if not path or self.machine.is_file(path):
            return True
        what = "is no file" if self.machine.exists(path) else "does not exist"
        self.trouble.add(found, f"{path} {what}; expected a file")
        return False

    def program(self, found: Found, path: str) -> bool:
        """Whether this can be run."""
        if not path or self.machine.is_program(path):
            return True
        what = "is no program" if self.machine.exists(path) else "does not exist"
        self.trouble.add(found, f"{path} {what}; expected a file that can be run")
        return False

    def account(self, section: Section) -> Account | None:
        """Whom a section is run by; None if there is no such user."""
        user = section.get("user")
        account = self.machine.account(user.value if user else "")
        if user and account is None:
            self.trouble.add(user, f"there is no user {shown(user.value)} here; expected the name of one")
        return account

    def group(self, section: Section) -> str:
        """The group that it is run with."""
        group = section.get("group")
        if group and not self.machine.has_group(group.value):
            self.trouble.add(group, f"there is no group {shown(group.value)} here; expected the name of one")
        return str(group.value) if group else ""

    def own(self, name: str, place: Place, key: str) -> str:
        """The directory of a daemon, in which sockets are: their paths must not be too long."""
        path = posixpath.join(self.run, name)
        length = len(f"{path}/{LONGEST_SOCKET}".encode())
        if length > MAX_SOCKET_PATH:
            text = f"the sockets in {path} have paths of {length} bytes; expected at most {MAX_SOCKET_PATH}"
            self.trouble.problems.append(Problem(place, key, f"{text}: a shorter name, or a shorter directories.run"))
        return path

    def was_wrong(self, name: str) -> bool:
        """Whether something was said of a key of this name, so that it is no wonder if it is missing."""
        return any(problem.key.rpartition(".")[2].partition("[")[0] == name for problem in self.trouble.problems)


def resolved(path: str, base: str) -> str:
    """An absolute path; empty if it is relative to nothing."""
    if path.startswith("/"):
        return path
    return posixpath.join(base, path) if base else ""
