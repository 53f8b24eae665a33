"""Orders in SQLite and PostgreSQL, and what has left of what was sent."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from sqlalchemy import Engine, create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

import ayl
from ayl import Handle
from tests.postgres import sqlalchemy_url

from .conftest import with_savepoints

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.ayl.conftest import Outbox
    from tests.postgres import Postgres


class Base(DeclarativeBase): ...


class Order(Base, ayl.Sendable, ayl_name="commits.Order"):
    __tablename__ = "shop_order"

    id: Mapped[int] = mapped_column(primary_key=True)
    note: Mapped[str] = mapped_column(unique=True)

    seen: ClassVar[list[str]] = []

    def ship(self, carrier: str) -> None: ...

    def change(self, note: str) -> None:
        self.note = note
        self.ayl_send("look")
        ayl.send(announce, "changed")
        self.seen.append("called")

    def change_and_fail(self, note: str) -> None:
        self.change(note)
        raise RuntimeError("no room")

    def look(self) -> None:
        self.seen.append(self.note)

    def look_again_and_fail(self) -> None:
        self.ayl_send("look")
        raise RuntimeError("no room")

    async def change_later(self, note: str) -> None:
        self.change(note)


@ayl.task("commits.announce")
def announce(what: str) -> None: ...


@pytest.fixture(scope="module")
def elsewhere(postgres: Postgres) -> str:
    """A database of PostgreSQL for these tests, one after the other."""
    return sqlalchemy_url(postgres.fresh())


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path, outbox: Outbox) -> Iterator[Engine]:
    if request.param == "sqlite":
        made = with_savepoints(create_engine(f"sqlite:///{tmp_path}/shop.db"))
    else:
        made = create_engine(request.getfixturevalue("elsewhere"))
    Base.metadata.drop_all(made)
    Base.metadata.create_all(made)
    with Session(made) as session, session.begin():
        for note in ("one", "two"):
            session.add(Order(note=note))
            session.flush()  # so that their ids are 1 and 2
    Order.seen.clear()
    yield made
    made.dispose()


def left(outbox: Outbox) -> list[Any]:
    return [message.args[0] for message in outbox.messages]


def send(what: str) -> Handle:
    return ayl.send(announce, what)


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "ayl")
