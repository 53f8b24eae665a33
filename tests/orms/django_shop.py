"""The shop with Django, in a SQLite file."""

# mypy: disable-error-code="import-untyped, misc"
# Django brings no types, so its classes cannot be checked either.

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.transaction import atomic

import ayl
from tests.contrib.django import project

from .shop import SHIPPED

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from .shop import Shop

project.set_up()


class Shipped(models.Model):
    """What both have."""

    note = models.CharField(max_length=50)

    class Meta:
        abstract = True
        app_label = "django_shop"

    def ship(self, carrier: str) -> None:
        SHIPPED.append((self.note, carrier))


@ayl.model("django_shop.Order")
class Order(Shipped): ...


@ayl.model("django_shop.Line")
class Line(Shipped):
    """Named by two columns."""

    pk = models.CompositePrimaryKey("order_id", "number")
    order_id = models.IntegerField()
    number = models.IntegerField()


class DjangoShop:
    """See `Shop`."""

    Order: type[Any] = Order
    Line: type[Any] | None = Line

    def saved(self, note: str) -> Any:
        return Order.objects.create(note=note)

    def saved_line(self, order_id: int, number: int, note: str) -> Any:
        return Line.objects.create(order_id=order_id, number=number, note=note)

    def unsaved(self, note: str) -> Any:
        return Order(note=note)

    def deleted(self, obj: Any) -> None:
        type(obj).objects.filter(pk=obj.pk).delete()

    def transaction(self) -> AbstractContextManager[object]:
        block: AbstractContextManager[object] = atomic()
        return block

    def added(self, note: str) -> Any:
        return self.saved(note)

    def renamed(self, was: str) -> None:
        ayl.model("shop.Purchase", was=was)(Order)


@contextmanager
def opened(directory: Path) -> Iterator[Shop]:
    """An empty shop, until the end of the span."""
    with project.databases([Order, Line], default=project.sqlite(directory, "django")):
        yield DjangoShop()
