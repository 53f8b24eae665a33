"""The environment of a daemon: a small fixed set, what the keys say, its files, and its variables, which win."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ayl.daemons.spec.environment_files import MOST_BYTES, BadLine, parsed
from ayl.daemons.spec.problems import Place, Problem
from ayl.daemons.spec.site import resolved

if TYPE_CHECKING:
    from ayl.daemons.spec.machine import Account
    from ayl.daemons.spec.reader import Found, Section
    from ayl.daemons.spec.site import Site

DEFAULT_PATH = "/usr/local/bin:/usr/bin:/bin"

KEPT = ("LANG", "TZ")
"""What is taken over from whoever starts it, if it is set there."""


def environment(section: Section, account: Account | None, base: str, venv: str, site: Site) -> dict[str, str]:
    """All of it. `base`: to which its files are relative; `venv`: a virtual environment, or empty."""
    made = {"PATH": DEFAULT_PATH} | {name: site.variables[name] for name in KEPT if name in site.variables}
    if account:
        made |= {"HOME": account.home, "USER": account.name, "LOGNAME": account.name, "SHELL": account.shell}
    if venv:
        made["VIRTUAL_ENV"] = venv
    made |= _of_keys(section)
    for found in section["environment_files"].value if "environment_files" in section else ():
        made |= _of_file(found, base, site)
    if "environment" in section:
        made |= {name: found.value for name, found in section["environment"].value.items()}
    if venv and f"{venv}/bin" not in made["PATH"].split(":"):
        made["PATH"] = f"{venv}/bin:{made['PATH']}"
    return made


def _of_keys(section: Section) -> dict[str, str]:
    made = {}
    if "name" in section:
        made["AYL_APP"] = section["name"].value
    if "engine" in section:
        made["AYL_ENGINE"] = section["engine"].value
    if "version" in section and section["version"].value.source == "text":
        made["AYL_VERSION"] = section["version"].value.value
    return made


def _of_file(found: Found, base: str, site: Site) -> dict[str, str]:
    path = resolved(found.value, base)
    if not path:
        if not site.was_wrong("path"):
            site.trouble.add(found, f"{found.value} is relative, and the server has no path; expected an absolute path")
        return {}
    if not site.file(found, path):
        return {}
    try:
        data = site.machine.read(path, MOST_BYTES + 1)
    except OSError as error:
        site.trouble.add(found, f"{path} cannot be read ({error.strerror}); expected a file of variables")
        return {}
    if site.machine.mode(path) & 0o004:
        site.trouble.warn(found, f"every user can read {path}: chmod o-r {path}, if it has secrets")
    try:
        return parsed(data)
    except BadLine as bad:
        site.trouble.problems.append(Problem(Place(path, bad.line, bad.column), found.key, bad.text))
        return {}
