"""The server, as the command line of `ayl_server`."""

from __future__ import annotations

import posixpath
from dataclasses import replace
from typing import TYPE_CHECKING

from ayl.daemons.spec.inheritance import check_exclusive, inherited
from ayl.daemons.spec.keys import SERVER
from ayl.daemons.spec.making import owned, value
from ayl.daemons.spec.model import Daemon, Kind
from ayl.daemons.spec.processes import program

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ayl.daemons.spec.reader import Found, Section
    from ayl.daemons.spec.site import Site

NAME = "server"

OPTIONS = {
    "port": "-p",
    "file_size": "-s",
    "max_job_size": "-z",
    "max_connections": "--max-connections",
    "max_memory": "--max-memory",
    "metrics": "--metrics",
    "log_format": "--log-format",
}
"""Keys whose values are options."""


def server(found: Found, defaults: Section, site: Site) -> Daemon:
    """What `server:` says, with what it inherits."""
    own: Section = found.value
    check_exclusive(own, site.trouble)
    # Of the defaults, what is about applications alone (the interpreter, the limits of workers) is none of its.
    known = SERVER.keys().keys() - {"interpreter", "max_memory"}
    section = inherited({key: one for key, one in defaults.items() if key in known}, own)
    _check(section, site)
    of_all = owned(NAME, section, found, "", "", site)
    binlog, state = _binlog(section, site)
    return Daemon(
        kind=Kind.SERVER,
        command=(*_program(section, found, of_all["environment"]["PATH"], site), *_words(section, binlog)),
        directory="/",
        ready=None,
        state=state,
        **of_all,
    )


def _program(section: Section, found: Found, path: str, site: Site) -> tuple[str, ...]:
    if "command" in section:
        words: tuple[str, ...] = section["command"].value
        return (program(words[0], section["command"], "/", path, site), *words[1:]) if words else ()
    at = section.get("interpreter")
    python = at.value if at else site.machine.interpreter
    if at and not python.startswith("/"):
        site.trouble.add(at, f"{python} is relative, and the server has no path; expected an absolute path")
        return ()
    beside = posixpath.join(posixpath.dirname(python), "ayl_server")
    site.program(at or replace(found, key=f"{found.key}.command"), beside)
    return (beside,)


def _binlog(section: Section, site: Site) -> tuple[str, str]:
    """Its directory, and the same if that may be made."""
    if "binlog" not in section:
        path = posixpath.join(site.state, "binlog")
        return path, path
    path = section["binlog"].value
    if path == "none":
        return "", ""
    site.directory(section["binlog"], path)
    return path, ""


def _words(section: Section, binlog: str) -> Iterator[str]:
    if binlog:
        yield from ("-b", binlog)
    for address in value(section, "listen", ()):
        yield from ("-l", address.value)
    if "sync" in section:
        sync = section["sync"].value
        yield from ("-F",) if sync == "never" else ("-f", str(sync))
    for key, option in OPTIONS.items():
        if key in section:
            yield from (option, str(section[key].value))
    if "unix_mode" in section:
        yield from ("--unix-mode", f"{section['unix_mode'].value:o}")
    for key, found in value(section, "tls", {}).items():
        yield from (f"--tls-{key}", found.value)
    if value(section, "salvage", False):
        yield "--salvage"
    yield from ["-V"] * value(section, "verbosity", 0)


def _check(section: Section, site: Site) -> None:
    """Of what `ayl_server` refuses, for it makes sense only together."""
    addresses = [found.value for found in value(section, "listen", ())]
    unix = sum(address.startswith("unix:") for address in addresses)
    is_kept = value(section, "binlog", "") != "none"
    has_tls = "tls" in section or site.was_wrong("tls")
    if "unix_mode" in section and not unix and not site.was_wrong("listen"):
        site.trouble.add(section["unix_mode"], "is about no socket; expected unix:PATH in listen")
    if value(section, "salvage", False) and not is_kept:
        site.trouble.add(section["salvage"], "is about no binlog; expected binlog not to be none")
    for found in value(section, "listen", ()):
        if found.value.startswith("tls:") and not has_tls:
            site.trouble.add(found, f"{found.value} speaks TLS; expected the section tls beside listen")
    if "tls" in section:
        if 0 < unix == len(addresses):
            site.trouble.add(section["tls"], "is about no address; expected one besides Unix sockets in listen")
        for found in section["tls"].value.values():
            site.file(found, found.value)
