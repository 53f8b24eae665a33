"""A shop in a virtual environment of its own, where nothing is installed but what its page says."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.shop import Shop

if TYPE_CHECKING:
    from pathlib import Path


class FreshShop(Shop):
    """Follows a page from nothing."""

    def __init__(self, directory: Path, port: int, wheel: Path) -> None:
        """`wheel`: ayl's, which no index has."""
        self.wheel = wheel
        environment = directory / "venv"
        # pip comes from outside: a second or two less, and nothing is here that ayl has not brought.
        _done([sys.executable, "-m", "venv", "--without-pip", str(environment)])
        super().__init__(directory, port, environment / "bin")
        # Only Debian's commands beside its own, and no sources from elsewhere.
        self.environment["PATH"] = os.pathsep.join([str(environment / "bin"), os.defpath])
        self.environment.pop("PYTHONPATH", None)

    def install(self, command: str) -> None:
        """`pip install …`, with ayl as it is in this checkout."""
        pip, install, *requirements = shlex.split(command)
        assert (pip, install) == ("pip", "install")
        wanted = [re.sub(r"^ayl\b", str(self.wheel), requirement) for requirement in requirements]
        _pip("--python", str(self.commands / "python"), "install", "--no-compile", *wanted)

    def distributions(self) -> set[str]:
        """The names of all that is installed."""
        listing = "from importlib.metadata import distributions\nfor one in distributions(): print(one.name.lower())"
        return set(self.python(listing).split())


def built(directory: Path, root: Path) -> Path:
    """ayl's wheel, made from its sources."""
    _pip("wheel", "--no-deps", "--wheel-dir", str(directory), str(root))
    (wheel,) = directory.glob("ayl-*.whl")
    return wheel


def _pip(*words: str) -> None:
    _done([sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", *words])


def _done(words: list[str]) -> None:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{shlex.join(words)}\n{done.stderr}"
