"""The shop of the matrix (test_matrix.py), kept by hand in a SQLite file: classes that belong to no framework.

ayl knows nothing of its transactions, so the rows about these are not for it.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import ayl
from tests.orms.shop import SHIPPED

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

_file: Path | None = None


def rows(sql: str, *values: object) -> list[tuple[Any, ...]]:
    """One statement, committed."""
    assert _file is not None
    with closing(sqlite3.connect(_file)) as connection, connection:
        return connection.execute(sql, values).fetchall()


@ayl.model("plain_shop.Order")
class Order:
    def __init__(self, note: str, key: int | None = None) -> None:
        self.note = note
        self.id = key

    @classmethod
    def find(cls, key: int) -> Order | None:
        found = rows("select note from orders where id = ?", key)
        return cls(found[0][0], key) if found else None

    def save(self) -> None:
        ((self.id,),) = rows("insert into orders (note) values (?) returning id", self.note)

    def ship(self, carrier: str) -> None:
        SHIPPED.append((self.note, carrier))


@ayl.model("plain_shop.Line")
class Line:
    """Named in its own way, by two columns."""

    def __init__(self, order_id: int, number: int, note: str) -> None:
        self.key = (order_id, number)
        self.note = note

    def __ayl_ref__(self) -> tuple[int, int]:
        return self.key

    @classmethod
    def __ayl_find__(cls, key: tuple[int, int]) -> Line | None:
        found = rows("select note from lines where order_id = ? and number = ?", *key)
        return cls(*key, found[0][0]) if found else None

    def ship(self, carrier: str) -> None:
        SHIPPED.append((self.note, carrier))


class PlainShop:
    """See `Shop`."""

    Order: type[Any] = Order
    Line: type[Any] | None = Line

    def saved(self, note: str) -> Any:
        order = Order(note)
        order.save()
        return order

    def saved_line(self, order_id: int, number: int, note: str) -> Any:
        rows("insert into lines values (?, ?, ?)", order_id, number, note)
        return Line(order_id, number, note)

    def unsaved(self, note: str) -> Any:
        return Order(note)

    def deleted(self, obj: Any) -> None:
        if isinstance(obj, Line):
            rows("delete from lines where order_id = ? and number = ?", *obj.key)
        else:
            rows("delete from orders where id = ?", obj.id)

    def transaction(self) -> AbstractContextManager[object]:
        raise NotImplementedError("of none that ayl knows")

    def added(self, note: str) -> Any:
        return self.saved(note)

    def renamed(self, was: str) -> None:
        ayl.model("shop.Purchase", was=was)(Order)


@contextmanager
def opened(directory: Path) -> Iterator[PlainShop]:
    """An empty shop, until the end of the span."""
    global _file
    _file = directory / "plain.db"
    rows("create table orders (id integer primary key autoincrement, note text)")
    rows("create table lines (order_id integer, number integer, note text, primary key (order_id, number))")
    try:
        yield PlainShop()
    finally:
        _file = None
