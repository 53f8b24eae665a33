"""What the tests of SQLAlchemy and SQLModel share: ayl's fixtures, and factories that are bound for one test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Connection, Engine, event
from sqlalchemy.orm import Session

from ayl import references
from ayl.contrib.sqlalchemy import factories
from tests.ayl.conftest import _clean, inline, outbox

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["_clean", "inline", "outbox"]


@pytest.fixture(autouse=True)
def _unbound() -> Iterator[None]:
    """No test sees the factories that another has bound."""
    yield
    factories.BOUND.clear()
    references.SPAWNERS.clear()


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    """A session of the test module's engine."""
    with Session(engine) as opened:
        yield opened


def with_savepoints(engine: Engine) -> Engine:
    """The engine, with SQLite's savepoints as they should be: as SQLAlchemy's documentation says for Python 3.11."""

    def connected(connection: Any, _record: object) -> None:
        connection.isolation_level = None

    def begun(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN")

    event.listen(engine, "connect", connected)
    event.listen(engine, "begin", begun)
    return engine
