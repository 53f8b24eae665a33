"""Several databases: which factory serves which class, and what becomes of a job that needs more than one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Engine, MetaData, create_engine, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, scoped_session, sessionmaker

import ayl
from ayl import calling
from ayl.contrib import sqlalchemy as ayl_sqlalchemy
from ayl.errors import NotConfigured, Refused
from tests.ayl.conftest import written

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.ayl.conftest import Outbox


class ShopBase(DeclarativeBase): ...


class LogBase(DeclarativeBase):
    metadata = MetaData()


class Order(ShopBase, ayl.Sendable, ayl_name="databases.Order"):
    __tablename__ = "shop_order"

    id: Mapped[int] = mapped_column(primary_key=True)
    note: Mapped[str]

    def look(self, *others: Any) -> None:
        SEEN.append([Session.object_session(obj) for obj in (self, *others)])

    def change(self, *others: Any) -> None:
        for obj in (self, *others):
            obj.note = "changed"

    def change_and_tell(self, *others: Any) -> None:
        self.change(*others)
        for obj in (self, *others):
            obj.ayl_send("look")

    def spoil_and_tell(self, other: Entry) -> None:
        self.note = None  # type: ignore[assignment] # no such row can be
        other.note = "changed"
        other.ayl_send("look")

    def change_and_fail(self, *others: Any) -> None:
        self.change(*others)
        raise RuntimeError("on purpose")


class Archived(Order, ayl_name="databases.Archived"):
    """Kept in the shop's table."""


class Entry(LogBase, ayl.Sendable, ayl_name="databases.Entry"):
    __tablename__ = "entry"

    id: Mapped[int] = mapped_column(primary_key=True)
    note: Mapped[str]

    def look(self, *others: Any) -> None:
        Order.look(self, *others)  # type: ignore[arg-type]

    @staticmethod
    def write(name: str, note: str) -> None:
        ayl_sqlalchemy.session(name).add(Entry(note=note))


SEEN: list[Any] = []


class Place:
    """One database and its factory."""

    def __init__(self, url: str, base: type[DeclarativeBase], first: object) -> None:
        self.engine: Engine = create_engine(url)
        self.factory = sessionmaker(self.engine)
        base.metadata.create_all(self.engine)
        with self.factory.begin() as session:
            session.add(first)

    def get(self, cls: type[Any]) -> Any:
        with self.factory() as session:
            return session.get_one(cls, 1)

    def count(self, cls: type[Any]) -> int:
        with self.factory() as session:
            return session.scalar(select(func.count()).select_from(cls)) or 0


@pytest.fixture
def shop(tmp_path: Path, inline: None) -> Iterator[Place]:
    SEEN.clear()
    place = Place(f"sqlite:///{tmp_path}/shop.db", ShopBase, Order(id=1, note="new"))
    yield place
    place.engine.dispose()


@pytest.fixture
def log(tmp_path: Path, inline: None) -> Iterator[Place]:
    place = Place(f"sqlite:///{tmp_path}/log.db", LogBase, Entry(id=1, note="new"))
    yield place
    place.engine.dispose()


def remembered(place: Place, name: str, used: list[str]) -> Callable[[], Session]:
    """The factory of that place, which notes down its name whenever it is used."""

    def make() -> Session:
        used.append(name)
        return place.factory()

    return make


@pytest.mark.parametrize(
    "models", [LogBase, [LogBase], Entry, LogBase.metadata, LogBase.registry], ids=["base", "list", "class", "metadata",
    "registry"]
)  # fmt: skip
def test_each_class_is_found_where_it_belongs(models: Any, shop: Place, log: Place) -> None:
    looked_at: list[str] = []
    ayl_sqlalchemy.bind(remembered(shop, "shop", looked_at))
    ayl_sqlalchemy.bind(remembered(log, "log", looked_at), "log", models=models)
    shop.get(Order).ayl_send("look", log.get(Entry))
    assert looked_at == ["shop", "log"]
    assert len(set(SEEN[-1])) == 2
    log.get(Entry).ayl_send("look")
    assert looked_at == ["shop", "log", "log"]


def test_the_nearest_class_decides(shop: Place, log: Place) -> None:
    used: list[str] = []
    ayl_sqlalchemy.bind(remembered(shop, "base", used), models=ShopBase)
    ayl_sqlalchemy.bind(remembered(shop, "class", used), "near", models=[Archived])
    shop.get(Order).ayl_send("look")
    shop.get(Archived).ayl_send("look")
    assert used == ["base", "class"]


def test_one_that_is_bound_alone_serves_everything_whatever_its_name(shop: Place) -> None:
    ayl_sqlalchemy.bind(shop.factory, "shop")
    shop.get(Order).ayl_send("change")
    assert shop.get(Order).note == "changed"


def test_both_sessions_are_committed_and_both_rolled_back(shop: Place, log: Place) -> None:
    ayl_sqlalchemy.bind(shop.factory)
    ayl_sqlalchemy.bind(log.factory, "log", models=LogBase)
    order, entry = shop.get(Order), log.get(Entry)
    with pytest.raises(RuntimeError, match="on purpose"):
        order.ayl_send("change_and_fail", entry)
    assert (shop.get(Order).note, log.get(Entry).note) == ("new", "new")
    order.ayl_send("change", entry)
    assert (shop.get(Order).note, log.get(Entry).note) == ("changed", "changed")


def test_a_refused_message_of_one_session_undoes_nothing_in_another(shop: Place, log: Place, outbox: Outbox) -> None:
    ayl_sqlalchemy.bind(shop.factory)
    ayl_sqlalchemy.bind(log.factory, "log", models=LogBase)
    outbox.refuse = lambda _number: Refused("too big")
    with pytest.raises(ayl.Bury, match=r"is committed, but .*: too big"):
        calling.perform(
            written(on={"$ref": ["databases.Order", 1]}, do="change_and_tell", args=[{"$ref": ["databases.Entry", 1]}])
        )
    assert (shop.get(Order).note, log.get(Entry).note) == ("changed", "changed")
    assert [message.do for message in outbox.messages] == ["look", "look"]


def test_a_refused_message_of_one_session_is_logged_if_the_other_cannot_be_committed(
    shop: Place, log: Place, outbox: Outbox, caplog: pytest.LogCaptureFixture
) -> None:
    ayl_sqlalchemy.bind(shop.factory)
    ayl_sqlalchemy.bind(log.factory, "log", models=LogBase)
    outbox.refuse = lambda _number: Refused("too big")
    with pytest.raises(IntegrityError):
        calling.perform(
            written(on={"$ref": ["databases.Order", 1]}, do="spoil_and_tell", args=[{"$ref": ["databases.Entry", 1]}])
        )
    assert "committed, but what it has sent was not taken: too big" in caplog.text


def test_a_session_is_had_by_its_name(shop: Place, log: Place) -> None:
    ayl_sqlalchemy.bind(shop.factory)
    ayl_sqlalchemy.bind(log.factory, "log", models=LogBase)
    Entry.ayl_send("write", "log", "more")
    assert log.count(Entry) == 2
    with pytest.raises(NotConfigured, match=r"none was bound as 'lag'.*\n.*bind\(sessionmaker\(engine\), 'lag'\)"):
        Entry.ayl_send("write", "lag", "more")


def test_a_class_that_no_factory_serves_is_told_with_the_line_to_add(shop: Place, log: Place) -> None:
    ayl_sqlalchemy.bind(log.factory, "log", models=LogBase)
    with pytest.raises(NotConfigured, match=r"for Order, and none was bound for it.*\n.*, models=\[Order\]\)"):
        shop.get(Order).ayl_send("look")


def test_a_class_is_served_by_one_factory_only(shop: Place, log: Place) -> None:
    ayl_sqlalchemy.bind(log.factory, "log", models=[Entry])
    ayl_sqlalchemy.bind(log.factory, "log", models=[Entry, LogBase])
    with pytest.raises(NotConfigured, match="is served by the factory 'log' already"):
        ayl_sqlalchemy.bind(shop.factory, models=[Order, Entry])
    with pytest.raises(NotConfigured, match=r"models are mapped classes.* not 'Entry'"):
        ayl_sqlalchemy.bind(shop.factory, models=["Entry"])  # type: ignore[list-item]


def test_while_a_job_runs_a_scoped_session_is_the_job_s(shop: Place) -> None:
    scoped: scoped_session[Session] = scoped_session(shop.factory)
    ayl_sqlalchemy.bind(scoped)

    @ayl.task("databases.add")
    def add(order: Order) -> None:
        assert scoped() is ayl_sqlalchemy.session() is Session.object_session(order)
        scoped.add(Order(note="second"))

    mine = scoped()
    order = mine.get_one(Order, 1)
    mine.commit()
    ayl.send(add, order)
    assert scoped() is mine
    assert shop.count(Order) == 2
    scoped.remove()
    ayl.send(add, order)
    assert not scoped.registry.has()
    assert shop.count(Order) == 3
