"""Hooks are of one test only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import ayl
from ayl import notifications
from ayl.listeners import BURIALS, FAILURES, OUTAGES

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _no_hooks() -> Iterator[None]:
    yield
    for hooks in (FAILURES, BURIALS, OUTAGES):
        hooks.clear()
    notifications._outages.clear()


@pytest.fixture
def heard() -> list[Any]:
    """Every event, in order."""
    events: list[Any] = []
    ayl.on_failure(events.append)
    ayl.on_bury(events.append)
    ayl.on_unreachable(events.append)
    return events
