"""The models of the tests."""

# mypy: disable-error-code="import-untyped, misc, untyped-decorator"
# Django brings no types, so its classes cannot be checked either.

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.db import models
from django.db.transaction import atomic

import ayl


class Current(models.Manager):
    """A default manager that does not show everything."""

    def get_queryset(self) -> Any:
        return super().get_queryset().filter(cancelled=False)


class Shown(models.Model):
    """What was called, for the tests to see."""

    calls: ClassVar[list[tuple[Any, ...]]] = []

    class Meta:
        abstract = True

    def ship(self, *args: Any) -> None:
        self.calls.append((self, *args))


@ayl.model("market.Order")
class Order(Shown):
    """Cancelled ones are hidden."""

    note = models.CharField(max_length=50)
    cancelled = models.BooleanField(default=False)

    objects = Current()

    def rename(self, note: str) -> None:
        self.note = note
        self.save()

    def rename_and_fail(self, note: str) -> None:
        self.rename(note)
        raise LookupError("on purpose")

    @atomic
    def rename_and_fail_whole(self, note: str) -> None:
        self.rename_and_fail(note)

    async def rename_later(self, note: str) -> None:
        self.note = note
        await self.asave()


@ayl.model("market.Urgent")
class Urgent(Order):
    """A proxy."""

    class Meta:
        proxy = True


@ayl.model("market.Gift")
class Gift(Order):
    """A table of its own beside its parent's."""

    wrapping = models.CharField(max_length=50)


@ayl.model("market.Line")
class Line(Shown):
    """A composite key."""

    pk = models.CompositePrimaryKey("order_id", "number")
    order = models.ForeignKey(Order, models.CASCADE)
    number = models.IntegerField()
    note = models.CharField(max_length=50, default="")


@ayl.model("market.Ticket")
class Ticket(Shown):
    """A key that is there before it is saved."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)


@ayl.model("market.Room")
class Room(Shown):
    """A key that is text."""

    class Kind(models.TextChoices):
        SINGLE = "single"

    name = models.CharField(max_length=50, primary_key=True)


@ayl.model("market.Pair")
class Pair(Shown):
    """A composite key that looks as if it named a database."""

    pk = models.CompositePrimaryKey("left", "right")
    left = models.CharField(max_length=50)
    right = models.IntegerField()


class Folded(models.CharField):
    """Kept in lower case, whatever it was asked for."""

    def get_prep_value(self, value: Any) -> Any:
        return value.lower() if isinstance(value, str) else value


@ayl.model("market.Tag")
class Tag(Shown):
    """A key that comes back from the database under another spelling."""

    name = Folded(max_length=50, primary_key=True)


MODELS = [Order, Gift, Line, Ticket, Room, Pair, Tag]
