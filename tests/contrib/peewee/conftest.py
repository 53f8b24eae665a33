"""Shops in databases of a test's own: SQLite's and PostgreSQL's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import peewee
import pytest

from tests.ayl.conftest import _clean, inline, outbox  # noqa: F401 - fixtures

from .models import DATABASE, MODELS, SEEN

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.postgres import Postgres


def closed(database: Any) -> None:
    """Leave no connection to the next test, whatever this one has done."""
    while database.in_transaction():
        database.pop_transaction()
    database.close()


def is_sqlite(database: object) -> bool:
    return isinstance(database, peewee.SqliteDatabase)


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Any]:
    """A file with the tables of `models`."""
    yield from _filled(peewee.SqliteDatabase(str(tmp_path / "shop.db")))


@pytest.fixture
def postgresql(postgres: Postgres) -> Iterator[Any]:
    """A database of PostgreSQL with the tables of `models`."""
    place: dict[str, Any] = {**postgres.fresh()}
    yield from _filled(peewee.PostgresqlDatabase(place.pop("dbname"), **place))


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> Any:
    """Of each kind."""
    return request.getfixturevalue(request.param)


def _filled(database: Any) -> Iterator[Any]:
    DATABASE.initialize(database)
    database.create_tables(MODELS)
    SEEN.clear()
    yield database
    closed(database)
    DATABASE.initialize(None)
