"""A shop in a virtual environment of its own, where nothing is installed but what its page says.

What pip would bring is told by the metadata that pip reads: ayl's, of its wheel, and that of what it requires. Those
packages are in the tests' environment already, put there by pip itself, and only linked from there.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from importlib.metadata import Distribution, distribution
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import ZipFile

from packaging.requirements import Requirement

from tests.shop import Shop

if TYPE_CHECKING:
    from collections.abc import Iterator

SCRIPT = "#!{python}\nimport sys\nfrom {module} import {function}\nsys.exit({function}())\n"


class FreshShop(Shop):
    """Follows a page from nothing."""

    def __init__(self, directory: Path, port: int, ours: Path) -> None:
        """`ours`: what ayl's wheel has in it, which nobody has installed."""
        self.ours = ours
        environment = directory / "venv"
        _done([sys.executable, "-m", "venv", "--without-pip", str(environment)])
        super().__init__(directory, port, environment / "bin")
        (self._packages,) = environment.glob("lib/python*/site-packages")
        # Only Debian's commands beside its own, and no sources from elsewhere.
        self.environment["PATH"] = os.pathsep.join([str(environment / "bin"), os.defpath])
        self.environment.pop("PYTHONPATH", None)

    def install(self, command: str) -> None:
        """`pip install …`, with ayl as it is in this checkout."""
        pip, install, *requirements = shlex.split(command)
        assert (pip, install) == ("pip", "install")
        for requirement in requirements:
            for one in self._required(Requirement(requirement)):
                self._add(one)

    def distributions(self) -> set[str]:
        """The names of all that is installed."""
        listing = "from importlib.metadata import distributions\nfor one in distributions(): print(one.name.lower())"
        return set(self.python(listing).split())

    def _required(self, requirement: Requirement) -> Iterator[Distribution]:
        """It, and all that it requires here."""
        one = self._found(requirement.name)
        assert requirement.specifier.contains(one.version, prereleases=True), requirement
        yield one
        for further in map(Requirement, one.requires or ()):
            marker = further.marker
            if marker is None or any(marker.evaluate({"extra": extra}) for extra in ("", *requirement.extras)):
                yield from self._required(further)

    def _found(self, name: str) -> Distribution:
        if name != "ayl":
            return distribution(name)
        (metadata,) = self.ours.glob("*.dist-info")
        return Distribution.at(metadata)

    def _add(self, one: Distribution) -> None:
        names = {file.parts[0] for file in one.files or ()} - {"..", "__pycache__"}
        for name in names:
            place = self._packages / name
            if not place.exists():
                place.symlink_to(Path(str(one.locate_file(name))))
        for command in one.entry_points.select(group="console_scripts"):
            script = self.commands / command.name
            python = self.commands / "python"
            script.write_text(SCRIPT.format(python=python, module=command.module, function=command.attr))
            script.chmod(0o755)


def unpacked(directory: Path, root: Path) -> Path:
    """What is in ayl's wheel, which is made from its sources: pip fetches what that takes, as bin/setup does."""
    _done([sys.executable, "-m", "pip", "--quiet", "wheel", "--no-deps", "--wheel-dir", str(directory), str(root)])
    (wheel,) = directory.glob("ayl-*.whl")
    with ZipFile(wheel) as archive:
        archive.extractall(directory / "ayl")
    return directory / "ayl"


def _done(words: list[str]) -> None:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{shlex.join(words)}\n{done.stderr}"
