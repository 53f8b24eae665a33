"""An estate for each test."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest

from .estate import Estate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.processes.servers import Server


@pytest.fixture
def estate(our_server: Server) -> Iterator[Estate]:
    """Daemons of an app of two processes, at our server; not started yet."""
    with TemporaryDirectory(prefix="ayl-") as folder:  # tmp_path is too long for sockets
        found = Estate(Path(folder), our_server)
        try:
            yield found
        finally:
            found.close()
