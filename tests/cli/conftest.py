"""A server for the tests of a file, and an operator who has a tube of it for each test."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

import pytest

from .operators import Operator
from .servers import KINDS, Kind, client

if TYPE_CHECKING:
    from collections.abc import Iterator

    import greenstalk

    from ayl.admin import Server

_numbers = count(1)


@pytest.fixture(scope="module", params=KINDS, ids=lambda kind: kind.name)
def common_server(request: pytest.FixtureRequest) -> Iterator[Server]:
    kind: Kind = request.param
    with kind.running() as started:
        yield started


@pytest.fixture
def operator(common_server: Server) -> Operator:
    return Operator(common_server, f"tests/{next(_numbers)}")


@pytest.fixture
def app(common_server: Server, operator: Operator) -> Iterator[greenstalk.Client[bytes]]:
    """Puts into the operator's tube, and takes from it."""
    with client(common_server, use=operator.tube, watch=operator.tube) as connected:
        yield connected
