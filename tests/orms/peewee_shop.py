"""The shop of the matrix (test_matrix.py), kept with Peewee in a SQLite file."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import peewee

import ayl
from tests.orms.shop import SHIPPED

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

DATABASE = peewee.DatabaseProxy()


class Shipped(peewee.Model):
    """What both have."""

    note = peewee.TextField()

    class Meta:
        database = DATABASE

    def ship(self, carrier: str) -> None:
        SHIPPED.append((self.note, carrier))


@ayl.model("peewee_shop.Order")
class Order(Shipped): ...


@ayl.model("peewee_shop.Line")
class Line(Shipped):
    order_id = peewee.IntegerField()
    number = peewee.IntegerField()

    class Meta:
        primary_key = peewee.CompositeKey("order_id", "number")


class PeeweeShop:
    """See `Shop`."""

    Order: type[Any] = Order
    Line: type[Any] | None = Line

    def saved(self, note: str) -> Any:
        return Order.create(note=note)

    def saved_line(self, order_id: int, number: int, note: str) -> Any:
        return Line.create(order_id=order_id, number=number, note=note)

    def unsaved(self, note: str) -> Any:
        return Order(note=note)

    def deleted(self, obj: Any) -> None:
        obj.delete_instance()

    def transaction(self) -> AbstractContextManager[object]:
        block: AbstractContextManager[object] = DATABASE.atomic()
        return block

    def added(self, note: str) -> Any:
        return Order.create(note=note)

    def renamed(self, was: str) -> None:
        ayl.model("shop.Purchase", was=was)(Order)


@contextmanager
def opened(directory: Path) -> Iterator[PeeweeShop]:
    """An empty shop, until the end of the span."""
    database = peewee.SqliteDatabase(str(directory / "peewee.db"))
    DATABASE.initialize(database)
    database.create_tables([Order, Line])
    try:
        yield PeeweeShop()
    finally:
        database.close()
        DATABASE.initialize(None)
