"""Each test begins with nothing done."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ayl import testing

from . import depot

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _nothing_done() -> None:
    depot.DONE.clear()
    depot.FOUND.clear()


@pytest.fixture
def recorded() -> Iterator[testing.Recording]:
    with testing.recording() as sent:
        yield sent
