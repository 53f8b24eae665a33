"""Which instances of peewee's models a message can name, and how."""

# mypy: disable-error-code="no-untyped-call"
# Peewee brings types for some of it.

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any
from uuid import UUID

import peewee
import pytest
from playhouse.signals import Model as SignalModel  # type: ignore[import-untyped]

import ayl
from ayl.contrib.peewee import LOCATOR
from ayl.errors import NotRegistered, NotSaved
from ayl.references import locator_of, refer

from .models import DATABASE, Bill, Day, Line, Order, Parcel, Remark

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def queries(database: Any) -> list[str]:
    """What the database is asked from now on."""
    asked: list[str] = []
    database.query_hooks.append(lambda event: asked.append(event.sql))
    return asked


@pytest.mark.parametrize("model", [Order, Line, Parcel, Bill, Day, Remark, SignalModel])
def test_a_class_of_peewees_is_known_by_its_mark(model: type) -> None:
    assert locator_of(model) is LOCATOR


def test_a_class_that_has_a_meta_like_djangos_is_none_of_peewees() -> None:
    class Order:
        _meta, DoesNotExist, _schema = object(), LookupError, object()

    assert locator_of(Order) is not LOCATOR


def test_a_saved_instance_is_named_by_its_key_without_a_query(database: Any, queries: list[str]) -> None:
    order = Order.create(note="socks")
    line = Line.create(order=order, number=2)
    bill = Bill.create(order=order)
    parcel = Parcel.create()
    day = Day.create(date=date(2026, 11, 21))
    queries.clear()
    assert refer(order) == ["peewee.Order", order.id]
    assert refer(line) == ["peewee.Line", (order.id, 2)]
    assert refer(bill) == ["peewee.Bill", order.id]
    assert refer(parcel) == ["peewee.Parcel", parcel.code]
    assert refer(day) == ["peewee.Day", date(2026, 11, 21)]
    assert queries == []


LOADED: dict[str, Callable[[], Any]] = {
    "get": Parcel.get,
    "get_by_id": lambda: Parcel.get_by_id(UUID(int=1)),
    "a list of columns": lambda: Parcel.select(Parcel.code).get(),
    "a join": lambda: Parcel.select().join(Order, on=(Order.note == Parcel.note)).get(),
    "the other side of a join": lambda: (
        Order.select(Order, Parcel).join(Parcel, on=(Order.note == Parcel.note), attr="parcel").get().parcel
    ),
    "get_or_create that gets": lambda: Parcel.get_or_create(code=UUID(int=1))[0],
    "get_or_create that creates": lambda: Parcel.get_or_create(code=UUID(int=2))[0],
    "raw SQL": lambda: next(iter(Parcel.raw("select * from parcel"))),
    "an update": lambda: updated(Parcel.get()),
    "save(force_insert=True)": lambda: inserted(Parcel()),
    "save() of a new instance with the key of a row": lambda: updated(Parcel(code=UUID(int=1))),
    "bulk_create": lambda: created_in_bulk([Parcel(), Parcel()]),
}


def updated(parcel: Any) -> Any:
    parcel.note = "changed"
    assert parcel.save() == 1
    return parcel


def inserted(parcel: Any) -> Any:
    parcel.save(force_insert=True)
    return parcel


def created_in_bulk(parcels: list[Any]) -> Any:
    Parcel.bulk_create(parcels)
    return parcels[1]


@pytest.mark.parametrize("way", LOADED)
def test_an_instance_that_was_read_or_written_is_named_whatever_the_way(way: str, database: Any) -> None:
    Order.create(note="one")
    Parcel.create(code=UUID(int=1), note="one")
    parcel = LOADED[way]()
    assert refer(parcel) == ["peewee.Parcel", parcel.code]
    assert Parcel.get_by_id(parcel.code) == parcel


def test_what_bulk_create_has_given_a_number_is_named_by_it(postgresql: Any) -> None:
    orders = [Order(note="a"), Order(note="b")]
    Order.bulk_create(iter(orders))
    assert [order.id for order in orders] == [None, None]
    Order.bulk_create(orders)
    assert [refer(order) for order in orders] == [["peewee.Order", 3], ["peewee.Order", 4]]


UNSAVED: dict[str, tuple[Callable[[], Any], str]] = {
    "no key yet": (lambda: Order(note="a"), r"is of type Order and has no key: save\(\) it before sending"),
    "its key was not selected": (lambda: Order.select(Order.note).get(), "or select its key too"),
    "half a key": (lambda: Line(number=1), "is of type Line and has no key"),
    "a key that a default made": (Parcel, r"is of type Parcel and was given its key UUID\('.*'\) by hand, and not"),
    "a key by hand": (lambda: Order(id=3), r"was given its key 3 by hand, and not saved since: save\(force_insert=Tr"),
    "a save() that updated nothing": (lambda: saved_in_vain(Parcel()), r"get\(\) it from the database"),
    "a key that was changed": (lambda: changed(Parcel.create()), "by hand"),
    "a key that was changed after it was written": (lambda: changed(created_in_bulk([Parcel(), Parcel()])), "by hand"),
    "a composite key by hand": (lambda: Line(order=1, number=2), r"its key \(1, 2\) by hand"),
}


def saved_in_vain(parcel: Any) -> Any:
    assert parcel.save() == 0
    return parcel


def changed(parcel: Any) -> Any:
    parcel.code = UUID(int=9)
    return parcel


@pytest.mark.parametrize("why", UNSAVED)
def test_an_instance_that_no_row_is_known_of_is_refused_with_the_cure(why: str, sqlite: Any) -> None:
    Order.create(note="there")
    make, text = UNSAVED[why]
    with pytest.raises(NotSaved, match=text):
        LOCATOR.identify(make())


def test_an_instance_of_a_table_without_a_primary_key_is_refused(sqlite: Any, outbox: object) -> None:
    remark = Remark.create(text="hm")
    with pytest.raises(NotRegistered, match=r"^the receiver is of type Remark, whose table has no primary key"):
        ayl.send(remark.ship)


def test_where_the_unsaved_one_stands_is_told(sqlite: Any, outbox: object) -> None:
    order = Order.create()
    with pytest.raises(NotSaved, match=r"^args\[1\]\[0\] is of type Order and has no key"):
        ayl.send(order.ship, "ups", [Order()])


def test_naming_needs_no_database(outbox: object) -> None:
    assert DATABASE.obj is None
    order = Order(note="x")
    order.id = 3
    order._dirty.clear()  # as after a load
    assert refer(order) == ["peewee.Order", 3]
    assert isinstance(DATABASE, peewee.DatabaseProxy)
