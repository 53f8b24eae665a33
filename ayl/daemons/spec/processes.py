"""A daemon of an application that is no worker: any command."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from ayl.daemons.spec.making import owned, value
from ayl.daemons.spec.model import Daemon, Kind
from ayl.daemons.spec.problems import shown
from ayl.daemons.spec.site import resolved

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ayl.daemons.spec.applications import Application
    from ayl.daemons.spec.reader import Found, Section
    from ayl.daemons.spec.site import Site


def process(application: Application, name: str, found: Found, section: Section, site: Site) -> Daemon:
    """`section`: with all that it inherits."""
    of_all = owned(name, section, found, application.path, application.venv, site)
    directory = resolved(value(section, "directory", application.path), application.path)
    if "directory" in section:
        site.directory(section["directory"], directory)
    ready = value(section, "ready", 1.0)
    return Daemon(
        kind=Kind.COMMAND,
        command=_command(section, directory, of_all["environment"], site),
        directory=directory,
        version=application.version(of_all["environment"], section),
        ready=None if ready == "notify" else ready,
        stop_signal=value(section, "stop_signal", "SIGTERM"),
        overlap=value(section, "overlap", False),
        **of_all,
    )


def _command(section: Section, directory: str, environment: Mapping[str, str], site: Site) -> tuple[str, ...]:
    words: tuple[str, ...] = value(section, "command", ())
    if not words:
        return ()
    return (program(words[0], section["command"], directory, environment["PATH"], site), *words[1:])


def program(word: str, found: Found, directory: str, path: str, site: Site) -> str:
    """Its absolute path: with a slash in it from the directory, else as found on PATH."""
    if "/" in word:
        whole = resolved(word, directory)
        site.program(found, whole)
        return whole
    places = [posixpath.join(place, word) for place in path.split(":") if place.startswith("/")]
    for place in places:
        if site.machine.is_program(place):
            return place
    site.trouble.add(found, f"there is no program {shown(word)}; expected one in {path.replace(':', ', ')}")
    return word
