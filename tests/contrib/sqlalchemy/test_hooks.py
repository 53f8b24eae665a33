"""Model hooks: what is sent when a session has saved an object."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Engine, ForeignKey, create_engine, insert, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

import ayl

from .conftest import with_savepoints

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.ayl.conftest import Outbox


class Base(DeclarativeBase): ...


class Customer(Base, ayl.Sendable, ayl_name="sqlalchemy_hooks.Customer"):
    __tablename__ = "customer"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str | None] = mapped_column(unique=True)
    orders: Mapped[list[Order]] = relationship(back_populates="customer")

    @ayl.ayl_after_create
    def welcome(self) -> None: ...

    @ayl.ayl_after_update
    def tell(self) -> None: ...


class Order(Base, ayl.Sendable, ayl_name="sqlalchemy_hooks.Order"):
    __tablename__ = "shop_order"

    id: Mapped[int] = mapped_column(primary_key=True)
    note: Mapped[str]
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customer.id"))
    customer: Mapped[Customer | None] = relationship(back_populates="orders")

    __mapper_args__ = {"polymorphic_on": "note", "polymorphic_identity": "plain"}  # noqa: RUF012

    @ayl.ayl_after_save(unless=lambda order: order.id == 7, options={"delay": 5})
    def index(self) -> None: ...

    @ayl.ayl_after_commit
    def report(self) -> None: ...


class Special(Order, ayl_name="sqlalchemy_hooks.Special"):
    __tablename__ = "special"

    id: Mapped[int] = mapped_column(ForeignKey("shop_order.id"), primary_key=True)
    price: Mapped[int]

    __mapper_args__ = {"polymorphic_identity": "special"}  # noqa: RUF012


@pytest.fixture
def engine(tmp_path: Path, outbox: Outbox) -> Iterator[Engine]:
    made = with_savepoints(create_engine(f"sqlite:///{tmp_path}/shop.db"))
    Base.metadata.create_all(made)
    yield made
    made.dispose()


def left(outbox: Outbox) -> list[tuple[Any, ...]]:
    """What has left since the last time: class, key and method."""
    found = [(*message.on["$ref"], message.do) for message in outbox.messages]
    outbox.writes.clear()
    return [(name.removeprefix("sqlalchemy_hooks."), key, method) for name, key, method in found]


def saved_customer(session: Session, outbox: Outbox) -> Customer:
    customer = Customer(name="Jones")
    session.add(customer)
    session.commit()
    assert left(outbox) == [("Customer", 1, "welcome")]
    return customer


def test_a_new_object_is_created_with_the_key_it_got(session: Session, outbox: Outbox) -> None:
    session.add(Customer(name="Jones"))
    session.flush()
    assert left(outbox) == []
    session.commit()
    assert left(outbox) == [("Customer", 1, "welcome")]


def test_a_changed_object_is_updated(session: Session, outbox: Outbox) -> None:
    saved_customer(session, outbox).name = "Smith"
    session.commit()
    assert left(outbox) == [("Customer", 1, "tell")]


def test_an_object_that_was_touched_and_not_changed_is_not_updated(session: Session, outbox: Outbox) -> None:
    customer = saved_customer(session, outbox)
    customer.name = customer.name
    customer.orders.append(Order(note="plain"))  # which is the order's column
    session.commit()
    assert left(outbox) == [("Order", 1, "index"), ("Order", 1, "report")]


def test_a_commit_hook_sends_once_for_each_transaction(session: Session, outbox: Outbox) -> None:
    order = Order(note="plain")
    session.add(order)
    session.flush()
    order.customer = Customer()
    session.flush()
    session.commit()
    assert [method for name, _, method in left(outbox) if name == "Order"] == ["index", "report", "index"]
    order.customer = None
    session.commit()
    assert left(outbox) == [("Order", 1, "index"), ("Order", 1, "report")]


def test_a_commit_hook_sends_again_what_a_savepoint_took_back(session: Session, outbox: Outbox) -> None:
    with session.begin():
        with suppress(RuntimeError), session.begin_nested():
            order = Order(note="plain")
            session.add(order)
            session.flush()
            raise RuntimeError
        session.add(Order(note="plain"))
    assert left(outbox) == [("Order", 1, "index"), ("Order", 1, "report")]


def test_conditions_and_options_are_those_of_the_hook(session: Session, outbox: Outbox) -> None:
    session.add_all([Order(id=7, note="plain"), Order(id=8, note="plain")])
    session.commit()
    assert [submission.delay for submission in outbox.submissions] == [0, 5, 0]
    assert left(outbox) == [("Order", 7, "report"), ("Order", 8, "index"), ("Order", 8, "report")]


def test_an_object_of_two_tables_is_saved_once(session: Session, outbox: Outbox) -> None:
    special = Special(price=3)
    session.add(special)
    session.commit()
    assert left(outbox) == [("Special", 1, "index"), ("Special", 1, "report")]
    special.price = 4
    session.commit()
    assert left(outbox) == [("Special", 1, "index"), ("Special", 1, "report")]


def test_what_is_rolled_back_or_failed_sends_nothing(session: Session, outbox: Outbox) -> None:
    saved_customer(session, outbox)
    session.add(Customer(name="Smith"))
    session.flush()
    session.rollback()
    session.add(Customer(name="Jones"))
    with pytest.raises(IntegrityError):
        session.flush()
    session.rollback()
    session.add_all([Customer(name="Smith"), Special()])  # of which the second fails
    with pytest.raises(IntegrityError):
        session.flush()
    session.rollback()
    session.add(Order(id=1, note="plain"))
    session.commit()
    assert left(outbox) == [("Order", 1, "index"), ("Order", 1, "report")]


def test_callbacks_can_be_skipped(session: Session, outbox: Outbox) -> None:
    with ayl.skip_ayl_callbacks(Customer):
        session.add_all([Customer(), Order(note="plain")])
        session.flush()
    session.commit()
    assert left(outbox) == [("Order", 1, "index"), ("Order", 1, "report")]


def test_statements_for_many_rows_send_nothing(session: Session, outbox: Outbox) -> None:
    session.execute(insert(Customer), [{"name": "a"}, {"name": "b"}])
    session.execute(update(Customer).values(name=None))
    session.bulk_save_objects([Customer(name="c")])
    session.commit()
    assert left(outbox) == []


def test_a_condition_that_fails_is_the_flush_s_failure(session: Session, outbox: Outbox) -> None:
    class Broken(Base, ayl.Sendable, ayl_name="sqlalchemy_hooks.Broken"):
        __tablename__ = "customer"
        __table_args__ = {"extend_existing": True}  # noqa: RUF012

        id: Mapped[int] = mapped_column(primary_key=True)

        @ayl.ayl_after_save(if_=lambda _obj: 1 / 0)
        def tell(self) -> None: ...

    session.add(Broken())
    with pytest.raises(ZeroDivisionError):
        session.commit()
    session.rollback()
    session.add(Customer())
    session.commit()
    assert left(outbox) == [("Customer", 1, "welcome")]


def test_an_async_session_sends_them_as_well(tmp_path: Path, engine: Engine, outbox: Outbox) -> None:
    async def story() -> None:
        remote = create_async_engine(f"sqlite+aiosqlite:///{tmp_path}/shop.db")
        async with AsyncSession(remote) as session, session.begin():
            session.add(Customer(name="Jones"))
        await remote.dispose()

    asyncio.run(story())
    assert left(outbox) == [("Customer", 1, "welcome")]
