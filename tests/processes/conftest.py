"""Servers that serve many tests: each test has tubes of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .servers import AYL_SERVER, KINDS, Kind, Server, serving

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session", params=KINDS, ids=lambda kind: kind.name)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Each kind of server, started once."""
    kind: Kind = request.param
    with serving(kind, tmp_path_factory.mktemp(kind.name)) as started:
        yield started


@pytest.fixture(scope="session")
def our_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Ours, started once."""
    with serving(AYL_SERVER, tmp_path_factory.mktemp("ours")) as started:
        yield started


@pytest.fixture(params=KINDS, ids=lambda kind: kind.name)
def kind(request: pytest.FixtureRequest) -> Kind:
    """Each kind of server, for tests that start it themselves."""
    chosen: Kind = request.param
    return chosen
