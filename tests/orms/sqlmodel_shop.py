"""The shop of the matrix (test_matrix.py), kept with SQLModel."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy import MetaData
from sqlalchemy.orm import registry, sessionmaker
from sqlmodel import Field, Session, SQLModel

import ayl
from ayl.contrib import sqlalchemy as ayl_sqlalchemy
from tests.orms.shop import SHIPPED
from tests.orms.sqlalchemy_shop import SQLAlchemyShop, database

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Base(SQLModel, registry=registry()):
    """With tables of its own, apart from those of other tests."""

    metadata = MetaData()


@ayl.model("sqlmodel_shop.Order")
class Order(Base, ayl.Sendable, table=True):
    __tablename__ = "shop_order"
    __table_args__ = {"sqlite_autoincrement": True}  # so that no id is given twice

    id: int | None = Field(default=None, primary_key=True)
    note: str

    def ship(self, carrier: str) -> None:
        SHIPPED.append((self.note, carrier))


@ayl.model("sqlmodel_shop.Line")
class Line(Base, ayl.Sendable, table=True):
    order_id: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    number: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    note: str

    def ship(self, carrier: str) -> None:
        SHIPPED.append((self.note, carrier))


@contextmanager
def opened(directory: Path) -> Iterator[SQLAlchemyShop]:
    """The shop, in a database of that directory."""
    with database(directory, Base) as engine:
        ayl_sqlalchemy.bind(sessionmaker(engine, class_=Session))
        with Session(engine, expire_on_commit=False) as session:
            yield SQLAlchemyShop(session, Order, Line)
