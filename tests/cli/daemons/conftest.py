"""A site for each test, and a Python that everybody may run."""

from __future__ import annotations

import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest

from .site import Site

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGES = ("ayl", "click", "daemon", "greenstalk", "lockfile", "yaml")


@pytest.fixture
def site() -> Iterator[Site]:
    """Without daemons yet."""
    with TemporaryDirectory(prefix="ayl-") as folder:  # tmp_path is too long for sockets
        yield from _open(Site(Path(folder)))


@pytest.fixture(scope="session")
def everybodys_python() -> Iterator[str]:
    """One with ayl that is not in root's home."""
    with TemporaryDirectory(prefix="ayl-") as folder:
        Path(folder).chmod(0o755)
        subprocess.run(["/usr/bin/python3", "-m", "venv", "--without-pip", f"{folder}/venv"], check=True)
        (packages,) = Path(folder).glob("venv/lib/python3*/site-packages")
        for name in PACKAGES:
            spec = find_spec(name)
            assert spec is not None
            assert spec.origin is not None
            shutil.copytree(Path(spec.origin).parent, packages / name, ignore=shutil.ignore_patterns("__pycache__"))
        yield f"{folder}/venv/bin/python"


@pytest.fixture
def open_site(everybodys_python: str) -> Iterator[Site]:
    """One whose daemons may be anybody's."""
    with TemporaryDirectory(prefix="ayl-") as folder:
        Path(folder).chmod(0o755)
        yield from _open(Site(Path(folder), everybodys_python))


def _open(found: Site) -> Iterator[Site]:
    try:
        yield found
    finally:
        found.close()
