"""Begins all looks that the collected tests judge."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.crashes.aside import begun

from .looks import ALL

if TYPE_CHECKING:
    from collections.abc import Iterator

AT_ONCE = 8
"""Looks; they hardly need the processor."""


@pytest.fixture(scope="session", autouse=True)
def _looks(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with begun(ALL, request.session, tmp_path_factory, AT_ONCE):
        yield
