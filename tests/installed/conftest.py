"""What is in the wheel of this checkout, and a shop for each test that has nothing installed yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.pages import ROOT

from .fresh import FreshShop, unpacked

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unpacked(tmp_path_factory.mktemp("wheel"), ROOT)


@pytest.fixture
def fresh(tmp_path: Path, free_port: int, ours: Path) -> Iterator[FreshShop]:
    shop = FreshShop(tmp_path, free_port, ours)
    yield shop
    shop.close()
