"""What all daemons have, made of a section."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any, TypedDict

from ayl.daemons.spec.environments import environment
from ayl.daemons.spec.model import Log, Restart

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ayl.daemons.spec.reader import Found, Section
    from ayl.daemons.spec.site import Site

GRACE = 25.0
"""Seconds."""


class Owned(TypedDict):
    """Fields of a Daemon."""

    name: str
    user: str
    group: str
    environment: Mapping[str, str]
    umask: int
    patience: float
    grace: float
    restart: Restart
    watchdog: float
    log: str | Log
    run: str


def value(section: Section, name: str, default: Any) -> Any:
    """What a section says, or else this."""
    return section[name].value if name in section else default


def owned(name: str, section: Section, named: Found, base: str, venv: str, site: Site) -> Owned:
    """The fields that the keys of every process give. `named`: where the daemon is."""
    account = site.account(section)
    if account and account.name == "root":
        where = section.get("user", named)
        site.trouble.warn(where, f"{name} runs as root: give it a user of its own (user: …)")
    return Owned(
        name=name,
        user=value(section, "user", ""),
        group=site.group(section),
        environment=environment(section, account, base, venv, site),
        umask=value(section, "umask", 0o022),
        patience=value(section, "patience", 60.0),
        grace=value(section, "grace", GRACE),
        restart=Restart(value(section, "restart", "always")),
        watchdog=value(section, "watchdog", 0.0),
        log=_log(value(section, "log", "file"), name, site),
        run=site.own(name, named.place, named.key),
    )


def _log(text: str, name: str, site: Site) -> str | Log:
    if text == "journal":
        return Log.JOURNAL
    return posixpath.join(site.log, f"{name}.log") if text == "file" else text
