"""An application: its interpreter, its version, and the daemons that it consists of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ayl.daemons.spec.inheritance import check_exclusive, inherited
from ayl.daemons.spec.making import value
from ayl.daemons.spec.model import Daemon, Version
from ayl.daemons.spec.processes import process
from ayl.daemons.spec.site import resolved
from ayl.daemons.spec.workers import worker_group

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ayl.daemons.spec.reader import Found, Section
    from ayl.daemons.spec.site import Site


@dataclass(frozen=True, slots=True)
class Application:
    """What its daemons share."""

    path: str
    """Empty if it was wrong."""
    venv: str
    """Empty if there is none."""
    python: str

    def version(self, environment: Mapping[str, str], section: Section) -> Version | None:
        """Where it is found; None if a variable says it, which is nearer."""
        found: Version | None = value(section, "version", None)
        if found is None or found.source == "" or environment.get("AYL_VERSION", found.value) != found.value:
            return None
        path = resolved(found.value, self.path) if found.source == "file" else found.value
        return Version(found.source, path, self.python, self.path)


KINDS = {"groups": worker_group, "daemons": process}
"""Where daemons stand in an application, and what makes them."""


def daemons(name: str, found: Found, defaults: Section, site: Site) -> list[Daemon]:
    """Those of the application of this name."""
    own: Section = found.value
    check_exclusive(own, site.trouble)
    section = inherited(defaults, own)
    application = _application(section, site)
    _check_names(own, site)
    above = {key: one for key, one in section.items() if key not in ("groups", "daemons", "path")}
    made = []
    for key, make in KINDS.items():
        for part, part_found in value(own, key, {}).items():
            check_exclusive(part_found.value, site.trouble)
            whole = inherited(above, part_found.value)
            made.append(make(application, f"{name}.{part}", part_found, whole, site))
    if not (value(own, "groups", {}) or value(own, "daemons", {})) and not {"groups", "daemons"} & _wrong(site):
        site.trouble.add(found, "has nothing to run; expected groups or daemons")
    return made


def _wrong(site: Site) -> set[str]:
    return {key for key in KINDS if site.was_wrong(key)}


def _application(section: Section, site: Site) -> Application:
    path: str = value(section, "path", "")
    if path:
        site.directory(section["path"], path)
    _check_version(section, path, site)
    if "virtualenv" in section:
        venv = resolved(section["virtualenv"].value, path)
        python = f"{venv}/bin/python" if venv else ""
        if site.directory(section["virtualenv"], venv) and not site.machine.is_program(python) and venv:
            text = f"{venv} is no virtual environment: it has no bin/python; expected one with ayl in it"
            site.trouble.add(section["virtualenv"], text)
        return Application(path, venv, python)
    if "interpreter" in section:
        python = resolved(section["interpreter"].value, path)
        site.program(section["interpreter"], python)
        return Application(path, "", python)
    return Application(path, "", site.machine.interpreter)


def _check_version(section: Section, path: str, site: Site) -> None:
    found = section.get("version")
    if found and found.value.source == "file":
        site.file(found, resolved(found.value.value, path))


def _check_names(own: Section, site: Site) -> None:
    groups, others = value(own, "groups", {}), value(own, "daemons", {})
    for name in groups.keys() & others.keys():
        first, second = sorted((groups[name], others[name]), key=lambda found: found.place)
        what = first.key.split(".")[-2]
        site.trouble.add(second, f"is a name in {what}, too ({first.place}); expected another name")
