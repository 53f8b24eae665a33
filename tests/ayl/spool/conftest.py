"""A directory for each test's spool, and servers that are not there yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import ayl
from ayl.engines.spool.store import Spool
from tests.ayl.conftest import SERVERS, Server

from .calls import MADE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Not there yet."""
    return tmp_path / "state" / "spool"


@pytest.fixture(autouse=True)
def _nothing_made() -> None:
    MADE.clear()


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine even a few calls may take longer than what a send spends on delivering them."""
    monkeypatch.setattr("ayl.engines.fallback.DRAIN_SECONDS", 20.0)
    monkeypatch.setenv("AYL_SEND_TIMEOUT", "10")


@pytest.fixture
def seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody looks by itself whether the server is back."""
    monkeypatch.setattr("ayl.engines.fallback.PROBES", 1e-9)


@pytest.fixture
def spool(directory: Path) -> Spool:
    return Spool(str(directory), 10_000_000)


@pytest.fixture(params=SERVERS)
def absent(request: pytest.FixtureRequest, directory: Path) -> Iterator[Server]:
    """A server of each kind that can be started; calls are spooled until it is."""
    server = Server(SERVERS[request.param])
    ayl.configure(
        app="shop", version="1.4.2", engine=server.url, send_timeout=20, unreachable="spool", spool=str(directory)
    )
    yield server
    server.stop()
