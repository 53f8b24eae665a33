"""A database that does not answer, a key that no row can have, a worker that was not told where sessions come from."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Engine, NullPool, create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker

import ayl
from ayl import calling
from ayl.contrib import sqlalchemy as ayl_sqlalchemy
from ayl.contrib.sqlalchemy import factories
from ayl.errors import CannotRun, NotConfigured, Unavailable
from tests.ayl.conftest import written
from tests.postgres import sqlalchemy_url

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.postgres import Postgres


class Base(DeclarativeBase): ...


class Guest(Base, ayl.Sendable, ayl_name="trouble.Guest"):
    __tablename__ = "guest"

    id: Mapped[int] = mapped_column(primary_key=True)

    def look(self) -> None: ...

    @staticmethod
    def count() -> None:
        ayl_sqlalchemy.session()


class Pair(Base, ayl.Sendable, ayl_name="trouble.Pair"):
    __tablename__ = "pair"

    left: Mapped[int] = mapped_column(primary_key=True)
    right: Mapped[str] = mapped_column(primary_key=True)

    def look(self) -> None: ...


@pytest.fixture
def engine(tmp_path: Path, inline: None) -> Iterator[Engine]:
    made = create_engine(f"sqlite:///{tmp_path}/hotel.db")
    Base.metadata.create_all(made)
    with Session(made) as session, session.begin():
        session.add(Guest(id=3))
    ayl_sqlalchemy.bind(sessionmaker(made))
    yield made
    made.dispose()


def stored(engine: Engine) -> Guest:
    with Session(engine) as session:
        return session.get_one(Guest, 3)


def test_without_a_bound_factory_the_error_names_the_line_to_add(engine: Engine) -> None:
    guest = stored(engine)
    factories.BOUND.clear()
    for receiver in (guest, Guest):
        with pytest.raises(NotConfigured, match=r"(?s)none was bound.*\.sqlalchemy\.bind\(sessionmaker\(engine\)\)"):
            receiver.ayl_send("count")


def test_a_table_that_is_not_there_yet_is_waited_for_and_a_key_that_cannot_be_is_not(
    postgres: Postgres, inline: None
) -> None:
    made = create_engine(sqlalchemy_url(postgres.fresh()), poolclass=NullPool)
    ayl_sqlalchemy.bind(sessionmaker(made))
    with pytest.raises(Unavailable, match=r"^trouble\.Guest 3 cannot be looked for: ProgrammingError"):
        calling.perform(written(on={"$ref": ["trouble.Guest", 3]}, do="look"))
    Base.metadata.create_all(made)
    with pytest.raises(CannotRun, match=r"^no trouble\.Guest can have the key 'three'"):
        calling.perform(written(on={"$ref": ["trouble.Guest", "three"]}, do="look"))


def sessions_on(engine: Engine) -> Callable[[], Session]:
    return sessionmaker(engine)


def sessions_that_connect_at_once(engine: Engine) -> Callable[[], Session]:
    return lambda: Session(engine.connect())


@pytest.mark.parametrize("factory", [sessions_on, sessions_that_connect_at_once])
@pytest.mark.parametrize("trouble", ["no such file", "no connection left"])
def test_a_database_that_does_not_answer_is_unavailable_and_nothing_is_gone(
    trouble: str, factory: Callable[[Engine], Callable[[], Session]], engine: Engine
) -> None:
    guest = stored(engine)
    where = "/nowhere/at/all.db" if trouble == "no such file" else str(engine.url.database)
    narrow = create_engine(f"sqlite:///{where}", pool_size=1, max_overflow=0, pool_timeout=0.05)
    ayl_sqlalchemy.bind(factory(narrow))
    with nullcontext() if trouble == "no such file" else narrow.connect(), pytest.raises(Unavailable):
        guest.ayl_send("look")
    narrow.dispose()


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("trouble.Guest", {"$t": ["tuple", [1, 2]]}),
        ("trouble.Guest", {"no": 1}),
        ("trouble.Guest", [[1]]),
        ("trouble.Guest", {"$t": ["int", hex(2**70)]}),
        ("trouble.Guest", {"$t": ["complex", 1.0, 2.0]}),
        ("trouble.Pair", 1),
        ("trouble.Pair", {"$t": ["tuple", [1]]}),
    ],
)
def test_a_key_that_no_row_can_have_is_no_reason_to_try_again(name: str, key: Any, engine: Engine) -> None:
    with pytest.raises(CannotRun, match=name):
        calling.perform(written(on={"$ref": [name, key]}, do="look"))
