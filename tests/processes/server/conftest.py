"""Our server, on each event loop that it knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.processes.servers import AYL_SERVER, ON_ASYNCIO, Kind, Server, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LOOPS = (AYL_SERVER, ON_ASYNCIO)


@pytest.fixture(params=LOOPS, ids=lambda kind: kind.name)
def loop(request: pytest.FixtureRequest) -> Kind:
    """Ours, with uvloop and without."""
    chosen: Kind = request.param
    return chosen


@pytest.fixture
def fresh(loop: Kind, tmp_path: Path) -> Iterator[Server]:
    """A server of the test's own, on a Unix socket: thousands of connections use up no ports."""
    with serving(loop, tmp_path, tcp=False) as server:
        yield server
