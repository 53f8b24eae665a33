"""A server of each kind for the tests of a module, and a tube of their own for each."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

import pytest

from tests.cli.servers import KINDS, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ayl.admin import Server

_numbers = count()


@pytest.fixture(scope="module", params=KINDS, ids=lambda kind: kind.name)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    kind: Kind = request.param
    with kind.running() as started:
        yield started


@pytest.fixture(scope="module")
def any_server() -> Iterator[Server]:
    """Where the test is about the terminal."""
    with KINDS[0].running() as started:
        yield started


@pytest.fixture
def app() -> str:
    """The first part of names of tubes that no other test has."""
    return f"app{next(_numbers)}"
