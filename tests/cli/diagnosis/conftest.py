"""A server for all tests of a module, a tube for each, and nothing that the shell or another test has configured."""

from __future__ import annotations

import os
import sys
from itertools import count
from typing import TYPE_CHECKING

import pytest

from ayl import settings
from tests.cli.servers import KINDS, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ayl.admin import Server

_numbers = count(1)


@pytest.fixture(scope="module", params=KINDS, ids=lambda kind: kind.name)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    kind: Kind = request.param
    with kind.running() as started:
        yield started


@pytest.fixture
def tube() -> str:
    return f"shop/1.{next(_numbers)}"


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    for name in [name for name in os.environ if name.startswith("AYL_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AYL_SPOOL", str(tmp_path / "spool"))
    monkeypatch.setattr(sys, "path", [*sys.path])  # put_ayl_job adds the app's
    monkeypatch.chdir(tmp_path)
    settings.reset()
    yield
    settings.reset()
