"""A process with two ORMs: which transaction a call waits for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import peewee
import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlalchemy.pool import NullPool

import ayl
from ayl.handle import State
from tests.ayl.conftest import _clean, outbox

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.ayl.conftest import Outbox

__all__ = ["_clean", "outbox"]


class Base(DeclarativeBase): ...


class Order(Base, ayl.Sendable, ayl_name="two.Order"):
    """SQLAlchemy's."""

    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)

    def ship(self, *parcels: object) -> None: ...


PARCELS = peewee.DatabaseProxy()


@ayl.model("two.Parcel")
class Parcel(peewee.Model):
    """Peewee's."""

    class Meta:
        database = PARCELS

    def send(self) -> None: ...


@ayl.task("two.note")
def note() -> None: ...


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    """A shop with one order."""
    engine = create_engine(f"sqlite:///{tmp_path / 'orders.db'}", poolclass=NullPool)
    Base.metadata.create_all(engine)
    with Session(engine) as opened:
        opened.add(Order(id=1))
        opened.commit()
        yield opened


@pytest.fixture
def parcels(tmp_path: Path) -> Iterator[peewee.SqliteDatabase]:
    """A database with one parcel."""
    database = peewee.SqliteDatabase(str(tmp_path / "parcels.db"))
    PARCELS.initialize(database)
    database.create_tables([Parcel])
    Parcel.create()
    yield database
    database.close()
    PARCELS.initialize(None)


def test_an_object_s_own_transaction_counts_whichever_orm_s_is_open_besides(
    session: Session, parcels: peewee.SqliteDatabase, outbox: Outbox
) -> None:
    order, parcel = session.get_one(Order, 1), Parcel.get_by_id(1)
    with parcels.atomic():
        of_order, of_parcel = ayl.send(order.ship), ayl.ayl_send(parcel, "send")
        session.commit()
        assert (of_order.state, of_parcel.state) == (State.SUBMITTED, State.UNCOMMITTED)
    assert of_parcel.state is State.SUBMITTED


def test_a_call_about_objects_of_both_waits_for_both(
    session: Session, parcels: peewee.SqliteDatabase, outbox: Outbox
) -> None:
    parcel = Parcel.get_by_id(1)
    with parcels.atomic():
        committed = ayl.send(session.get_one(Order, 1).ship, parcel)
        session.commit()
        assert committed.state is State.UNCOMMITTED
    with parcels.atomic():
        dropped = ayl.send(session.get_one(Order, 1).ship, parcel)
        session.rollback()
        session.execute(Order.__table__.select())
    assert (committed.state, dropped.state) == (State.SUBMITTED, State.DROPPED)
    assert len(outbox.submissions) == 1
