"""A Django project with fresh databases for each test."""

# mypy: disable-error-code="import-untyped"
# Django brings no types.

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.ayl.conftest import _clean, inline, outbox
from tests.contrib.django import project

project.set_up()  # before any test module declares a model

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.postgres import Postgres

__all__ = ["_clean", "inline", "outbox"]


def _opened(tmp_path: Path, **given: dict[str, Any]) -> Iterator[None]:
    from tests.contrib.django.market.models import MODELS, Shown

    Shown.calls.clear()
    with project.databases(MODELS, archive=project.sqlite(tmp_path, "archive"), **given):
        yield


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[None]:
    """`default` and `archive`, two files, and `replica`, which mirrors `default`."""
    mirror = project.sqlite(tmp_path) | {"TEST": {"MIRROR": "default"}}
    yield from _opened(tmp_path, default=project.sqlite(tmp_path), replica=mirror)


@pytest.fixture
def on_postgres(tmp_path: Path, postgres: Postgres) -> Iterator[None]:
    """`default` is a PostgreSQL."""
    yield from _opened(tmp_path, default=project.postgresql(postgres.fresh()))


@pytest.fixture(params=["sqlite", "on_postgres"])
def database(request: pytest.FixtureRequest) -> None:
    """One test for each."""
    request.getfixturevalue(request.param)
