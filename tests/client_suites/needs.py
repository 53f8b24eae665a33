"""The commands that suites and servers need, and the Debian packages that bring them."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

from .outcome import NotAskedForError, NotRunError
from .suite import Origin

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .suite import Suite

PACKAGES = {"node": "nodejs", "npm": "npm", "beanstalkd": "beanstalkd"}
"""A command and the Debian package that brings it."""

COMMANDS = {Origin.NPM: ("node", "npm")}
"""Besides this project's own Python."""


def absent(commands: Iterable[str]) -> list[str]:
    """The Debian packages that would bring those of the commands that are not here."""
    found_in = "/usr/sbin:/usr/bin"  # where Debian puts a server, and not on everybody's PATH
    return [
        PACKAGES[command] for command in commands if not (shutil.which(command) or shutil.which(command, path=found_in))
    ]


def missing_packages(suites: Iterable[Suite], servers: Iterable[str]) -> list[str]:
    """What --install installs."""
    commands = {command for suite in suites for command in COMMANDS.get(suite.origin, ())}
    return sorted(absent(sorted(commands | (set(servers) & {"beanstalkd"}))))


def require(suite: Suite, server: str, python2: str | None, checkout: str | None) -> None:
    """NotRunError when the suite cannot be run here, against that command."""
    commands = {*COMMANDS.get(suite.origin, ()), server} & PACKAGES.keys()
    if packages := absent(sorted(commands)):
        raise NotRunError(f"needs {' and '.join(packages)} (--install installs Debian's)")
    if suite.origin is Origin.PYPI_PYTHON2:
        _require_python2(python2)
    if suite.origin is Origin.CHECKOUT and checkout is None:
        raise NotAskedForError(f"its packages carry no tests: --checkout {suite.name}=DIRECTORY")


def _require_python2(python2: str | None) -> None:
    if python2 is None:
        raise NotAskedForError("needs Python 2.7 with pip, which Debian no longer has: --python2 COMMAND")
    try:
        subprocess.run([python2, "-m", "pip", "--version"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise NotRunError(f"--python2 {python2} has no pip that runs: {error}") from None
