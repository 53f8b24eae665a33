"""SQLModel: a table's class is a mapped class and travels by reference, though it is a pydantic model too."""

from __future__ import annotations

import asyncio
import types
from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import sessionmaker
from sqlalchemy.pool import NullPool
from sqlmodel import Field, Session, SQLModel, create_engine, select
from sqlmodel.ext.asyncio.session import AsyncSession

import ayl
from ayl.contrib import sqlalchemy as ayl_sqlalchemy
from ayl.errors import Gone, NotCallable, NotRegistered, NotSaved
from ayl.registry import registry

from .conftest import with_savepoints

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Engine

    from tests.ayl.conftest import Outbox


@ayl.model("sqlmodel.Hero")
class Hero(SQLModel, ayl.Sendable, table=True):
    """The mixin is for type checkers."""

    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True)

    seen: ClassVar[list[Any]] = []

    def meet(self, *others: Any) -> None:
        self.seen.append([self, *others])

    def rename(self, name: str) -> None:
        self.name = name

    async def rename_later(self, name: str) -> None:
        self.name = name

    @ayl.ayl_after_create
    def welcome(self) -> None: ...


@ayl.model("sqlmodel.Mission")
class Mission(SQLModel, table=True):
    """Declared with the decorator, with a composite key."""

    hero_id: int = Field(primary_key=True)
    number: int = Field(primary_key=True)

    def begin(self) -> None:
        Hero.seen.append((self.hero_id, self.number))


@ayl.value("sqlmodel.Note")
class Note(SQLModel):
    """No table: a value."""

    text: str
    hero: int | None = None


class Sidekick(SQLModel, ayl.Sendable, table=True):
    """Declared with the mixin alone."""

    id: int | None = Field(default=None, primary_key=True)


class Villain(SQLModel, table=True):
    """Nobody has declared it."""

    id: int | None = Field(default=None, primary_key=True)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    made = with_savepoints(create_engine(f"sqlite:///{tmp_path}/heroes.db"))
    SQLModel.metadata.create_all(made)
    with ayl.skip_ayl_callbacks(), Session(made) as session:
        session.add_all([Hero(id=1, name="Ann"), Hero(id=2, name="Bob"), Mission(hero_id=1, number=7), Villain(id=1)])
        session.commit()
    Hero.seen.clear()
    yield made
    made.dispose()


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    with Session(engine) as opened:
        yield opened


@pytest.fixture
def bound(engine: Engine, inline: None) -> None:
    ayl_sqlalchemy.bind(sessionmaker(engine, class_=Session, expire_on_commit=False))


def hero(engine: Engine, key: int = 1) -> Hero:
    with Session(engine) as session:
        return session.get_one(Hero, key)


def test_a_row_travels_by_reference(session: Session, outbox: Outbox) -> None:
    ann = session.get_one(Hero, 1)
    ann.ayl_send("meet", [session.get_one(Hero, 2)], session.get_one(Mission, (1, 7)))
    session.commit()
    (message,) = outbox.messages
    assert message.on == {"$ref": ["sqlmodel.Hero", 1]}
    assert message.args == [
        [{"$ref": ["sqlmodel.Hero", 2]}],
        {"$ref": ["sqlmodel.Mission", {"$t": ["tuple", [1, 7]]}]},
    ]


def test_a_model_without_a_table_travels_by_value(bound: None, engine: Engine) -> None:
    hero(engine).ayl_send("meet", Note(text="hello", hero=2), hero(engine, 2))
    first, note, second = Hero.seen[0]
    assert (first.name, note, second.name) == ("Ann", Note(text="hello", hero=2), "Bob")


def test_a_call_changes_its_row(bound: None, engine: Engine) -> None:
    hero(engine).ayl_send("rename", "Eve")
    assert hero(engine).name == "Eve"
    hero(engine).ayl_send("rename_later", "Ada")
    assert hero(engine).name == "Ada"


def test_the_decorator_and_a_composite_key_work(bound: None, engine: Engine) -> None:
    with Session(engine) as session:
        ayl.send(session.get_one(Mission, (1, 7)).begin)
    assert Hero.seen == [(1, 7)]


def test_a_row_that_is_gone_is_gone(bound: None, engine: Engine) -> None:
    ann = hero(engine)
    with Session(engine) as session, session.begin():
        session.delete(session.get_one(Hero, 1))
    with pytest.raises(Gone, match=r"^sqlmodel\.Hero 1 exists no more$"):
        ann.ayl_send("meet")


def test_an_unsaved_one_is_refused(outbox: Outbox) -> None:
    with pytest.raises(NotSaved, match="the receiver is of type Hero and has no identity yet"):
        Hero(name="Eve").ayl_send("meet")


def test_a_table_s_class_is_no_value(session: Session, outbox: Outbox) -> None:
    with pytest.raises(TypeError, match=r"Villain is mapped to a table, so .* travel by reference: .* @ayl\.model"):
        ayl.value(Villain)
    with pytest.raises(
        TypeError, match=r"args\[0\] is of type .*Villain: its class is mapped to a table: .* @ayl\.model"
    ):
        session.get_one(Hero, 1).ayl_send("meet", session.get_one(Villain, 1))


def test_the_mixin_alone_gives_the_default_name() -> None:
    assert registry.model_names[Sidekick] == f"{__name__}.Sidekick"


@pytest.mark.parametrize("keywords", [{"ayl_name": "sqlmodel.Rogue"}, {"ayl_methods": ["go"], "ayl_gone": "discard"}])
def test_keywords_that_the_mixin_would_never_see_are_refused_with_what_to_write(keywords: dict[str, Any]) -> None:
    with pytest.raises(NotRegistered, match=rf"^SQLModel keeps {', '.join(sorted(keywords))} .*@ayl\.model\("):
        types.new_class("Rogue", (SQLModel, ayl.Sendable), keywords, lambda body: body.update(__module__=__name__))


@pytest.mark.parametrize("name", ["name", "id", "seen", "metadata"])
def test_what_is_no_method_of_its_own_cannot_be_sent(name: str, session: Session, outbox: Outbox) -> None:
    with pytest.raises(NotCallable):
        session.get_one(Hero, 1).ayl_send(name)


def test_sends_wait_for_the_commit(session: Session, outbox: Outbox) -> None:
    ann = session.exec(select(Hero).where(Hero.name == "Ann")).one()
    ann.ayl_send("rename", "Eve")
    with suppress(RuntimeError), session.begin_nested():
        ann.ayl_send("rename", "never")
        raise RuntimeError
    assert outbox.messages == []
    session.commit()
    assert [message.args for message in outbox.messages] == [["Eve"]]


def test_a_hook_sends_at_the_commit(session: Session, outbox: Outbox) -> None:
    session.add(Hero(name="Eve"))
    session.commit()
    assert [(message.on, message.do) for message in outbox.messages] == [({"$ref": ["sqlmodel.Hero", 3]}, "welcome")]


def test_its_async_session_works_on_both_sides(tmp_path: Path, engine: Engine, inline: None) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/heroes.db"
    factory = async_sessionmaker(create_async_engine(url, poolclass=NullPool), class_=AsyncSession)
    ayl_sqlalchemy.bind(factory)

    async def story() -> None:
        async with factory() as session:
            ann = (await session.exec(select(Hero).where(Hero.name == "Ann"))).one()
            ann.ayl_send("rename_later", "Eve")
            ann.ayl_send("meet", ann)
            await session.commit()

    asyncio.run(story())
    assert hero(engine).name == "Eve"
    assert [type(seen) for seen in Hero.seen[0]] == [Hero, Hero]
