"""The models of these tests."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import peewee

import ayl

DATABASE = peewee.DatabaseProxy()
"""Each test gives it a database of its own."""

SEEN: list[tuple[Any, ...]] = []
"""What calls have seen."""


class Base(peewee.Model):
    id: Any
    order_id: Any
    _dirty: set[str]

    class Meta:
        database = DATABASE


@ayl.model("peewee.Order")
class Order(Base):
    note = peewee.TextField(default="")

    def ship(self, carrier: str = "ups", *others: Any) -> None:
        SEEN.append((type(self).__name__, self.id, self.note, carrier, *others))

    @classmethod
    def select(cls, *fields: Any) -> Any:
        """A class may narrow what it selects."""
        return super().select(*fields).where(cls.note != "hidden")


@ayl.model("peewee.Line")
class Line(Base):
    order = peewee.ForeignKeyField(Order, column_name="order_id")
    number = peewee.IntegerField()
    note = peewee.TextField(default="")

    class Meta:
        primary_key = peewee.CompositeKey("order", "number")

    def ship(self, carrier: str = "ups") -> None:
        SEEN.append(("Line", self.order_id, self.number, self.note, carrier))


@ayl.model("peewee.Parcel")
class Parcel(Base):
    """Its key is made here, not by the database."""

    code = peewee.UUIDField(primary_key=True, default=uuid4)
    note = peewee.TextField(default="")

    def ship(self) -> None:
        SEEN.append(("Parcel", self.code, self.note))


@ayl.model("peewee.Bill")
class Bill(Base):
    """Its key is another's."""

    order = peewee.ForeignKeyField(Order, primary_key=True)
    note = peewee.TextField(default="")

    def ship(self) -> None:
        SEEN.append(("Bill", self.order_id))


@ayl.model("peewee.Day")
class Day(Base):
    date = peewee.DateField(primary_key=True)
    note = peewee.TextField(default="")


@ayl.model("peewee.Remark")
class Remark(Base):
    text = peewee.TextField()

    class Meta:
        primary_key = False

    def ship(self) -> None: ...


MODELS = [Order, Line, Parcel, Bill, Day, Remark]
