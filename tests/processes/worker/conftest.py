"""A workshop for each test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ..servers import KINDS, Kind
from .workshop import Workshop

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ..servers import Server


@pytest.fixture
def workshop(server: Server, tmp_path: Path) -> Iterator[Workshop]:
    """A tube of the test's own, at each kind of server."""
    opened = Workshop(server, tmp_path)
    try:
        yield opened
    finally:
        opened.close()


@pytest.fixture(params=KINDS, ids=lambda kind: kind.name)
def kind(request: pytest.FixtureRequest) -> Kind:
    """Each kind of server, for tests that start it themselves."""
    chosen: Kind = request.param
    return chosen
