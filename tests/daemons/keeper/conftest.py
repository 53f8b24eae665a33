"""A keeper for each test."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest

from .kept import Kept

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def kept() -> Iterator[Kept]:
    """A daemon that nothing is ordered for yet."""
    with TemporaryDirectory(prefix="ayl-") as folder:  # tmp_path is too long for sockets
        found = Kept(Path(folder))
        try:
            yield found
        finally:
            found.close()
