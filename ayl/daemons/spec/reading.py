"""`daemons.yml` into a `Configuration`."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ayl.daemons.spec import applications
from ayl.daemons.spec.documents import MOST_BYTES, Unreadable, parsed
from ayl.daemons.spec.inheritance import check_exclusive
from ayl.daemons.spec.keys import FILE, FRAGMENT
from ayl.daemons.spec.machine import Trusted
from ayl.daemons.spec.making import value
from ayl.daemons.spec.model import Configuration
from ayl.daemons.spec.places import RUN
from ayl.daemons.spec.problems import BadConfiguration, Place, Problem
from ayl.daemons.spec.reader import Found, Reader, Section, Trouble
from ayl.daemons.spec.service import NAME, server
from ayl.daemons.spec.site import Site

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from ayl.daemons.spec.machine import Machine
    from ayl.daemons.spec.model import Daemon
    from ayl.daemons.spec.sections import Mapped

FRAGMENTS = "conf.d"
SUFFIX = ".yml"


def read(
    path: str, machine: Machine, variables: Mapping[str, str], only: Collection[str] | None = None
) -> Configuration:
    """What the file, and the fragments of `conf.d` beside it, say; BadConfiguration, with all that is wrong.

    `variables`: of whoever asks; they are what `${NAME}` stands for. `only`: names of daemons or applications; the
    machine is asked for what these need and nothing else, and of the others not all is told (the files of their
    variables may be secret, or not be mounted yet). None for all.
    """
    files = _Files(machine, variables, Trouble())
    main = files.section(path, FILE) or {}
    fragments = [files.section(name, FRAGMENT) or {} for name in files.fragments(path)]
    found = _applications([main, *fragments], files.trouble)
    directories = value(main, "directories", {})
    site = Site(
        machine,
        variables,
        files.trouble,
        run=value(directories, "run", RUN),
        log=value(directories, "log", "/var/log/ayl"),
        state=value(directories, "state", "/var/lib/ayl"),
    )
    daemons = _daemons(main, found, site, only)
    if not daemons and not files.trouble.problems:
        text = "has nothing to run; expected server, or applications (here or in conf.d)"
        files.trouble.problems.append(Problem(Place(path), "", text))
    if files.trouble.problems:
        raise BadConfiguration(files.trouble.problems)
    return Configuration(path, (*daemons,), site.run, (*sorted(set(files.trouble.warnings)),))


def _daemons(main: Section, found: Mapping[str, Found], site: Site, only: Collection[str] | None) -> list[Daemon]:
    """The server first."""
    unasked = replace(site, machine=Trusted(site.machine.interpreter))
    concerned = None if only is None else {name.partition(".")[0] for name in only}

    def site_of(name: str) -> Site:
        return site if concerned is None or name in concerned else unasked

    defaults: Section = value(main, "defaults", {})
    check_exclusive(defaults, site.trouble)
    made = [server(main["server"], defaults, site_of(NAME))] if "server" in main else []
    for name, application in found.items():
        made += applications.daemons(name, application, defaults, site_of(name))
    return made


def _applications(sections: list[Section], trouble: Trouble) -> dict[str, Found]:
    """Those of all files."""
    all_found: dict[str, Found] = {}
    for section in sections:
        for name, found in value(section, "applications", {}).items():
            if name in all_found:
                trouble.add(found, f"is defined twice; expected once: the first is at {all_found[name].place}")
            else:
                all_found[name] = found
    return all_found


@dataclass(frozen=True, slots=True)
class _Files:
    machine: Machine
    variables: Mapping[str, str]
    trouble: Trouble

    def section(self, path: str, kind: Mapped) -> Section | None:
        """What a file says; None if that is nothing, or not to be read."""
        before = len(self.trouble.secrets)
        try:
            node = parsed(self._bytes(path), path)
        except Unreadable as error:
            self.trouble.problems.append(error.problem)
            return None
        if node is None:
            if kind is FILE:  # a fragment with nothing but comments was switched off
                self._complain(path, "is empty; expected server, or applications")
            return None
        found = Reader(path, self.variables, self.trouble).value(kind, node, "")
        self._check_mode(path, self.trouble.secrets[before:])
        return found.value if found else None

    def _bytes(self, path: str) -> bytes:
        if not self.machine.exists(path):
            raise Unreadable(Place(path), "does not exist; expected a file: --config or AYL_DAEMONS says which")
        if self.machine.is_directory(path):
            raise Unreadable(Place(path), "is a directory; expected a file")
        if not self.machine.is_file(path):  # a pipe, say, would be waited for, and a device never ends
            raise Unreadable(Place(path), "is no file; expected one")
        try:
            return self.machine.read(path, MOST_BYTES + 1)
        except OSError as error:
            raise Unreadable(Place(path), f"cannot be read ({error.strerror}); expected a file") from None

    def fragments(self, path: str) -> list[str]:
        """The paths of those beside a file, sorted."""
        directory = posixpath.join(posixpath.dirname(path), FRAGMENTS)
        if not self.machine.exists(directory):
            return []
        try:
            names = sorted(name for name in self.machine.listed(directory) if not name.startswith("."))
        except OSError as error:
            self._complain(directory, f"cannot be read ({error.strerror}); expected a directory of fragments")
            return []
        self._check_mode(directory, [])
        for name in names:
            if not name.endswith(SUFFIX):
                text = f"is not read: the names of fragments end in {SUFFIX}"
                self.trouble.warnings.append(Problem(Place(posixpath.join(directory, name)), "", text))
        return [posixpath.join(directory, name) for name in names if name.endswith(SUFFIX)]

    def _check_mode(self, path: str, secrets: list[Found]) -> None:
        mode = self.machine.mode(path)
        if mode & 0o002:
            self._complain(path, f"every user can write it, and so say what runs; expected chmod o-w {path}")
        if mode & 0o004:
            for found in secrets:
                text = f"every user can read it: put it into a file of environment_files, or chmod o-r {path}"
                self.trouble.warn(found, text)

    def _complain(self, path: str, text: str) -> None:
        self.trouble.problems.append(Problem(Place(path), "", text))
