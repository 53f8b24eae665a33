"""The shop of the matrix (test_matrix.py), kept with SQLAlchemy."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine, create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker

import ayl
from ayl.contrib import sqlalchemy as ayl_sqlalchemy
from ayl.contrib.sqlalchemy import factories
from ayl.registry import registry
from tests.contrib.sqlalchemy.conftest import with_savepoints
from tests.orms.shop import SHIPPED

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Base(DeclarativeBase): ...


class Order(Base, ayl.Sendable, ayl_name="sqlalchemy_shop.Order"):
    __tablename__ = "shop_order"
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012 - so that no id is given twice

    id: Mapped[int] = mapped_column(primary_key=True)
    note: Mapped[str]

    def ship(self, carrier: str) -> None:
        SHIPPED.append((self.note, carrier))


class Line(Base, ayl.Sendable, ayl_name="sqlalchemy_shop.Line"):
    __tablename__ = "line"

    order_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    note: Mapped[str]

    def ship(self, carrier: str) -> None:
        SHIPPED.append((self.note, carrier))


class SQLAlchemyShop:
    """Works in one session, whose savepoints are the transactions within transactions."""

    def __init__(self, session: Session, order: type[Any] = Order, line: type[Any] = Line) -> None:
        self.Order = order
        self.Line: type[Any] | None = line
        self._line = line
        self._session = session

    def saved(self, note: str) -> Any:
        return self._committed(self.Order(note=note))

    def saved_line(self, order_id: int, number: int, note: str) -> Any:
        return self._committed(self._line(order_id=order_id, number=number, note=note))

    def unsaved(self, note: str) -> Any:
        return self.Order(note=note)

    def deleted(self, obj: Any) -> None:
        """In a session of its own, as another process would, so that the one here does not know of it."""
        with Session(self._session.get_bind()) as other, other.begin():
            other.delete(other.get_one(type(obj), ayl_sqlalchemy.LOCATOR.identify(obj)))

    @contextmanager
    def transaction(self) -> Iterator[object]:
        within = self._session.begin_nested() if self._session.in_transaction() else self._session.begin()
        with within:
            yield within

    def added(self, note: str) -> Any:
        order = self.Order(note=note)
        self._session.add(order)
        self._session.flush()
        return order

    def renamed(self, was: str) -> None:
        registry.add_model(self.Order, "shop.Purchase", was=was)

    def _committed(self, obj: Any) -> Any:
        with self._session.begin():
            self._session.add(obj)
        return obj


@contextmanager
def database(directory: Path, base: Any) -> Iterator[Engine]:
    """An empty one, with the base's tables."""
    engine = with_savepoints(create_engine(f"sqlite:///{directory}/shop.db"))
    try:
        base.metadata.create_all(engine)
        yield engine
    finally:
        factories.BOUND.clear()
        engine.dispose()


@contextmanager
def opened(directory: Path) -> Iterator[SQLAlchemyShop]:
    """The shop, in a database of that directory."""
    with database(directory, Base) as engine:
        ayl_sqlalchemy.bind(sessionmaker(engine))
        with Session(engine, expire_on_commit=False) as session:
            yield SQLAlchemyShop(session)
