"""A worker group, as the command line of `ayl_worker`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ayl.daemons.spec.making import GRACE, owned, value
from ayl.daemons.spec.model import Daemon, Kind
from ayl.daemons.spec.problems import shown
from ayl.tubes import DEFAULT_LANE, is_default_too

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ayl.daemons.spec.applications import Application
    from ayl.daemons.spec.reader import Found, Section
    from ayl.daemons.spec.site import Site

AFTER_GRACE = 5.0
"""Seconds in which a worker gives back what it has cut off."""

PLAIN = ("workers", "processes", "threads", "coroutines", "max_jobs", "max_memory")
"""Keys whose numbers are options of the same name."""


def worker_group(application: Application, name: str, found: Found, section: Section, site: Site) -> Daemon:
    """`section`: with all that it inherits."""
    _check(found, section, site)
    of_all = owned(name, section, found, application.path, application.venv, site)
    of_all["grace"] += AFTER_GRACE
    return Daemon(
        kind=Kind.WORKERS,
        command=(application.python, "-P", "-m", "ayl.cli.worker", *_words(application.path, section)),
        directory=application.path,
        version=application.version(of_all["environment"], section),
        overlap=True,
        drain=value(section, "drain", 3600.0),
        **of_all,
    )


def _words(path: str, section: Section) -> Iterator[str]:
    yield from ("--app-path", path)
    for module in value(section, "modules", ()):
        yield from ("--require", module.value)
    for option in ("lane", "tube"):
        for name, share in value(section, f"{option}s", ()):
            yield from (f"--{option}", name if share is None else f"{name}={share}")
    if _is_strict(section):
        yield "--strict"
    for key in PLAIN:
        if key in section:
            yield from (f"--{key.replace('_', '-')}", str(section[key].value))
    if "max_time" in section:
        yield from ("--max-time", f"{section['max_time'].value:.15g}")
    yield from ("--grace", f"{value(section, 'grace', GRACE):.15g}")
    if "log_level" in section:
        yield from ("--log-level", section["log_level"].value)


def _ordered(section: Section) -> Found | None:
    """What `strict` is about."""
    return section.get("lanes") or section.get("tubes")


def _is_strict(section: Section) -> bool:
    """An order that was inherited means nothing to a group with one lane, or with shares."""
    return bool(value(section, "strict", False)) and _fits_strict(section)


def _fits_strict(section: Section) -> bool:
    ordered = _ordered(section)
    return bool(ordered and len(ordered.value) > 1 and not any(share for _, share in ordered.value))


def _check(found: Found, section: Section, site: Site) -> None:
    """Of what makes sense only together."""
    if not value(section, "modules", ()) and not site.was_wrong("modules"):
        missing = replace(found, key=f"{found.key}.modules")
        site.trouble.add(missing, "is missing; expected it here, in the application or in defaults: a list of modules")
    slots = [value(section, key, None) for key in ("threads", "processes", "coroutines")]
    if slots[0] == 0 and not any(slots):
        site.trouble.add(section["threads"], "leaves no slot; expected processes, threads or coroutines of at least 1")
    _check_shares(section, site)
    _check_order(found, section, site)


def _check_shares(section: Section, site: Site) -> None:
    lanes = dict(value(section, "lanes", ()))
    wild = next(filter(is_default_too, lanes), None)
    if wild and any(lanes.values()) and DEFAULT_LANE not in lanes:
        text = f"{shown(wild)} is the lane {DEFAULT_LANE}, too; expected a share of its own for {DEFAULT_LANE}"
        site.trouble.add(section["lanes"], text)


def _check_order(found: Found, section: Section, site: Site) -> None:
    strict: Found | None = found.value.get("strict")
    is_told = site.was_wrong("lanes") or site.was_wrong("tubes")
    if strict and strict.value and not _fits_strict(section) and not is_told:
        site.trouble.add(strict, "orders nothing; expected several lanes (or tubes) in a list, without shares")
