"""Classes of frameworks, registered; run as a process of its own, it prints what of them can be sent.

`python -m tests.ayl.hostile.frameworks` prints, for each class, the names that a message can call.
"""

# mypy: disable-error-code="import-untyped,misc,untyped-decorator"
# Django and Peewee are not typed.

from __future__ import annotations

import json
import sys
import warnings
from typing import Any

import attrs
import django
import msgspec
import peewee
import pydantic
import sqlalchemy.orm
import sqlmodel
from django.conf import settings
from playhouse import signals
from sqlalchemy.ext.hybrid import hybrid_method

import ayl
from ayl.errors import NotCallable
from ayl.registry import registry
from ayl.targets import method_target

settings.configure(DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}})
django.setup()

from django.contrib.auth.base_user import AbstractBaseUser  # noqa: E402 - needs the set-up
from django.db import models, transaction  # noqa: E402


class Own:
    """What the app's authors write into each of the classes."""

    def ship(self) -> None: ...

    @classmethod
    def count_all(cls) -> None: ...


class DjangoOrder(Own, models.Model):
    made = models.DateTimeField()
    status = models.CharField(choices=[("a", "b")], max_length=3)
    other = models.ForeignKey("self", models.CASCADE)

    class Meta:
        app_label = "hostile"

    @transaction.atomic
    def ship_safely(self) -> None: ...

    def save(self, *args: Any, **kwargs: Any) -> None:
        super().save(*args, **kwargs)


class DjangoProxy(DjangoOrder):
    class Meta:
        proxy = True
        app_label = "hostile"


class DjangoUser(Own, AbstractBaseUser):
    class Meta:
        app_label = "hostile"


class PeeweeOrder(Own, peewee.Model):
    name = peewee.CharField()
    other = peewee.ForeignKeyField("self", backref="others")


class PlayhouseOrder(Own, signals.Model):
    pass


class Base(sqlalchemy.orm.DeclarativeBase):
    pass


class SqlalchemyOrder(Own, Base):
    __tablename__ = "orders"
    id: sqlalchemy.orm.Mapped[int] = sqlalchemy.orm.mapped_column(primary_key=True)

    @hybrid_method
    def is_big(self) -> bool:
        return True

    @sqlalchemy.orm.validates("id")
    def check_id(self, key: str, value: int) -> int:
        return value


class SqlmodelOrder(Own, sqlmodel.SQLModel, table=True):
    id: int = sqlmodel.Field(primary_key=True)


class PydanticOrder(Own, pydantic.BaseModel):
    id: int

    @pydantic.field_validator("id")
    @classmethod
    def positive(cls, value: int) -> int:
        return value


class PydanticRoot(Own, pydantic.RootModel[int]):
    pass


@attrs.define
class AttrsOrder(Own):
    id: int


class StructOrder(Own, msgspec.Struct):
    id: int


class AllowedOrder(Own, peewee.Model):
    """Its authors want a framework's method to be sent, and name it."""


CLASSES: list[Any] = [
    DjangoOrder, DjangoProxy, DjangoUser, PeeweeOrder, PlayhouseOrder, SqlalchemyOrder, SqlmodelOrder, PydanticOrder,
    PydanticRoot, AttrsOrder, StructOrder,
]  # fmt: skip


def sendable(cls: type) -> list[str]:
    """The names that can be called on it or on an instance."""
    found = set()
    for name in dir(cls):
        for on_class in (True, False):
            try:
                method_target(cls, name, on_class=on_class)
            except NotCallable:
                continue
            found.add(name)
    return sorted(found)


def main() -> None:
    warnings.simplefilter("ignore")  # what dir() touches may be old
    for cls in CLASSES:
        registry.add_model(cls, f"hostile.{cls.__name__}")
    ayl.model("hostile.AllowedOrder", methods=["ship", "delete_instance"])(AllowedOrder)
    json.dump({cls.__name__: sendable(cls) for cls in [*CLASSES, AllowedOrder]}, sys.stdout)


if __name__ == "__main__":
    main()
