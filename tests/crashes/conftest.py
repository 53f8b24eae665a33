"""Places with a binlog, and what is done aside."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .aside import ALL, begun
from .disks import KINDS
from .servers import Place

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

AT_ONCE = 4
"""Cases; more would keep each other from the processor."""


def pytest_report_header() -> str:
    """Which small disks are tried here."""
    return f"small disks: {', '.join(KINDS)}" + ("" if "mounted" in KINDS else " (this process may not mount one)")


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.fixture(scope="session", autouse=True)
def _asides(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with begun(ALL, request.session, tmp_path_factory, AT_ONCE):
        yield
