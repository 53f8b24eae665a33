"""A workshop for each test."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from .workshop import Workshop

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.processes.servers import Server


@contextmanager
def opened(server: Server, folder: Path) -> Iterator[Workshop]:
    """A workshop for the time of a test."""
    workshop = Workshop(server, folder)
    try:
        yield workshop
    finally:
        workshop.close()


@pytest.fixture
def workshop(server: Server, tmp_path: Path) -> Iterator[Workshop]:
    """A tube of the test's own, at each kind of server."""
    with opened(server, tmp_path) as workshop:
        yield workshop


@pytest.fixture
def our_workshop(our_server: Server, tmp_path: Path) -> Iterator[Workshop]:
    """A tube of the test's own at our server, for tests to which servers are all the same."""
    with opened(our_server, tmp_path) as workshop:
        yield workshop
