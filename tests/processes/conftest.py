"""Servers that serve many tests: each test has tubes of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .servers import KINDS, Kind, Server, serving

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session", params=KINDS, ids=lambda kind: kind.name)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Each kind of server, started once."""
    kind: Kind = request.param
    with serving(kind, tmp_path_factory.mktemp(kind.name)) as started:
        yield started
