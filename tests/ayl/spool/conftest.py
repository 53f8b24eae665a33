"""A directory for each test's spool."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ayl.engines.spool.store import Spool

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Not there yet."""
    return tmp_path / "state" / "spool"


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine even a few calls may take longer than what a send spends on delivering them."""
    monkeypatch.setattr("ayl.engines.fallback.DRAIN_SECONDS", 10.0)
    monkeypatch.setenv("AYL_SEND_TIMEOUT", "10")


@pytest.fixture
def seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody looks by itself whether the server is back."""
    monkeypatch.setattr("ayl.engines.fallback.PROBES", 1e-9)


@pytest.fixture
def spool(directory: Path) -> Spool:
    return Spool(str(directory), 10_000_000)
