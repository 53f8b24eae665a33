"""A server, a proxy before it, and a workshop whose workers go through the proxy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.processes.servers import KINDS, Kind, Server, serving
from tests.processes.worker.workshop import Workshop

from .proxy import Proxy

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session", params=KINDS, ids=lambda kind: kind.name)
def kind(request: pytest.FixtureRequest) -> Kind:
    """Each kind of server."""
    chosen: Kind = request.param
    return chosen


@pytest.fixture(scope="session")
def server(kind: Kind, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Started once."""
    with serving(kind, tmp_path_factory.mktemp(kind.name)) as started:
        yield started


@pytest.fixture
def proxy(server: Server) -> Iterator[Proxy]:
    opened = Proxy(server.port)
    yield opened
    opened.close()


@pytest.fixture
def workshop(server: Server, tmp_path: Path) -> Iterator[Workshop]:
    """Sends to the server itself."""
    opened = Workshop(server, tmp_path)
    yield opened
    opened.close()
