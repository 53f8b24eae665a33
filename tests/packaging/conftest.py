"""A machine to look at."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest

from .installation import Installation
from .machine import Machine
from .package import Package, build

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def machine() -> Iterator[Machine]:
    """One with our units."""
    with TemporaryDirectory(prefix="ayl-machine-") as directory:
        Path(directory).chmod(0o755)
        yield Machine(Path(directory))


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Package:
    """Of this checkout."""
    return build(tmp_path_factory.mktemp("rpm"), "1")


@pytest.fixture(scope="session")
def next_package(tmp_path_factory: pytest.TempPathFactory) -> Package:
    """The release after it."""
    return build(tmp_path_factory.mktemp("rpm"), "2")


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    """Nothing is installed yet."""
    made = Installation(tmp_path / "rpmdb")
    try:
        yield made
    finally:
        made.close()
