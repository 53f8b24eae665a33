"""Found again: many objects in one query, whatever their keys and their inheritance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, ForeignKey, String, Uuid, create_engine, event
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship, sessionmaker

import ayl
from ayl import calling
from ayl.contrib import sqlalchemy as ayl_sqlalchemy
from ayl.errors import CannotRun, Gone, Unavailable
from tests.ayl.conftest import written
from tests.postgres import sqlalchemy_url

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.postgres import Postgres


class Base(DeclarativeBase): ...


class Guest(Base, ayl.Sendable, ayl_name="finding.Guest"):
    __tablename__ = "guest"

    id: Mapped[int] = mapped_column("guest_id", primary_key=True)
    name: Mapped[str]
    stays: Mapped[list[Stay]] = relationship(lazy="joined")

    def meet(self, *others: Any, **more: Any) -> None:
        SEEN.append([self, *others, *more.values()])


class Stay(Base, ayl.Sendable, ayl_name="finding.Stay"):
    __tablename__ = "stay"

    guest_id: Mapped[int] = mapped_column(ForeignKey("guest.guest_id"), primary_key=True)
    night: Mapped[str] = mapped_column(primary_key=True)


class Key(Base, ayl.Sendable, ayl_name="finding.Key"):
    __tablename__ = "key"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)


class Employee(Base, ayl.Sendable, ayl_name="finding.Employee"):
    """In a table that subclasses share."""

    __tablename__ = "employee"
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "employee"}  # noqa: RUF012

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))

    def work(self, *others: Any) -> None:
        SEEN.append([self, *others])


class Manager(Employee, ayl_name="finding.Manager"):
    __mapper_args__ = {"polymorphic_identity": "manager"}  # noqa: RUF012


class Engineer(Employee, ayl_name="finding.Engineer"):
    """With a table of its own."""

    __tablename__ = "engineer"
    __mapper_args__ = {"polymorphic_identity": "engineer"}  # noqa: RUF012

    id: Mapped[int] = mapped_column(ForeignKey("employee.id"), primary_key=True)
    tool: Mapped[str]


SEEN: list[list[Any]] = []


@pytest.fixture(scope="module")
def elsewhere(postgres: Postgres) -> str:
    """A database of PostgreSQL for these tests, one after the other."""
    return sqlalchemy_url(postgres.fresh())


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path, inline: None) -> Iterator[Engine]:
    sqlite = request.param == "sqlite"
    made = create_engine(f"sqlite:///{tmp_path}/hotel.db" if sqlite else request.getfixturevalue("elsewhere"))
    Base.metadata.drop_all(made)
    Base.metadata.create_all(made)
    with Session(made) as session, session.begin():
        for number, name in enumerate(["Jones", "Smith", "Brown"], 1):
            nights = [Stay(night="monday"), Stay(night="tuesday")]
            session.add(Guest(id=number, name=name, stays=nights))
        session.add_all([Employee(id=1), Manager(id=2), Engineer(id=3, tool="spanner")])
    ayl_sqlalchemy.bind(sessionmaker(made, expire_on_commit=False))  # so that they can be looked at later
    SEEN.clear()
    yield made
    made.dispose()


@pytest.fixture
def statements(engine: Engine) -> list[str]:
    seen: list[str] = []

    def remember(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        seen.append(statement)

    event.listen(engine, "before_cursor_execute", remember)
    return seen


@pytest.fixture
def guests(engine: Engine) -> list[Guest]:
    with Session(engine) as session:
        return [session.get_one(Guest, key) for key in (1, 2, 3)]


def test_many_of_a_kind_are_found_in_one_query(guests: list[Guest], statements: list[str]) -> None:
    guests[0].ayl_send("meet", guests[1], [guests[2]], again=guests[1])
    first, second, (third,), again = SEEN[0]
    assert [first.name, second.name, third.name, again.name] == ["Jones", "Smith", "Brown", "Smith"]
    assert again is second
    assert len(statements) == 1


def test_so_are_many_with_composite_keys(guests: list[Guest], statements: list[str]) -> None:
    stays = [stay for guest in guests for stay in guest.stays]
    guests[0].ayl_send("meet", *stays)
    assert [(stay.guest_id, stay.night) for stay in SEEN[0][1:]] == [(stay.guest_id, stay.night) for stay in stays]
    assert len(statements) == 2


def test_so_are_many_with_keys_of_other_types(guests: list[Guest], engine: Engine, statements: list[str]) -> None:
    keys = [UUID(int=number) for number in range(3)]
    with Session(engine) as session, session.begin():
        session.add_all([Key(id=key) for key in keys])
    with Session(engine) as session:
        things = [session.get_one(Key, key) for key in keys]
    statements.clear()
    guests[0].ayl_send("meet", *things)
    assert [thing.id for thing in SEEN[0][1:]] == keys
    assert len(statements) == 2


def test_very_many_are_found_in_few_queries(engine: Engine, statements: list[str]) -> None:
    with Session(engine) as session, session.begin():
        session.add_all([Guest(id=number, name=str(number)) for number in range(10, 1210)])
    statements.clear()
    calling.perform(meeting(1, *range(1209, 9, -1)))
    assert [guest.id for guest in SEEN[0]] == [1, *range(1209, 9, -1)]
    assert len(statements) == 3


def test_one_of_many_that_is_gone_is_the_one_that_is_told(guests: list[Guest], engine: Engine) -> None:
    with Session(engine) as session, session.begin():
        for stay in session.get_one(Guest, 2).stays:
            session.delete(stay)
        session.delete(session.get_one(Guest, 2))
    with pytest.raises(Gone, match=r"^finding\.Guest 2 exists no more$"):
        guests[0].ayl_send("meet", guests[1], guests[2])
    assert SEEN == []


def test_where_a_database_takes_a_text_for_a_number_it_is_found_all_the_same(engine: Engine) -> None:
    calling.perform(meeting(1, "2"))
    assert [guest.id for guest in SEEN[0]] == [1, 2]


def meeting(*keys: Any) -> Any:
    first, *others = ({"$ref": ["finding.Guest", key]} for key in keys)
    return written(on=first, do="meet", args=others)


@pytest.mark.parametrize("key", [{"$t": ["tuple", [1, 2]]}, {"$t": ["int", hex(2**70)]}], ids=str)
def test_a_key_that_no_row_can_have_among_many_is_no_reason_to_try_again(key: Any, engine: Engine) -> None:
    with pytest.raises(CannotRun, match=r"finding\.Guest"):
        calling.perform(meeting(1, key))


def test_objects_are_of_their_own_class_whichever_names_them(engine: Engine) -> None:
    with Session(engine) as session:
        everyone = [session.get_one(Employee, key) for key in (1, 2, 3)]
    for one in everyone:
        one.ayl_send("work", *everyone)
    for seen in SEEN:
        assert [type(one) for one in seen[1:]] == [Employee, Manager, Engineer]
    assert [type(seen[0]) for seen in SEEN] == [Employee, Manager, Engineer]
    assert SEEN[0][3].tool == "spanner"


def test_a_message_that_names_the_base_class_finds_the_subclass(engine: Engine) -> None:
    calling.perform(written(on={"$ref": ["finding.Employee", 3]}, do="work", args=[{"$ref": ["finding.Employee", 2]}]))
    assert [type(one) for one in SEEN[0]] == [Engineer, Manager]


def test_one_that_has_become_another_class_is_gone(engine: Engine) -> None:
    with pytest.raises(Gone, match=r"^finding\.Manager 3 exists no more$"):
        calling.perform(written(on={"$ref": ["finding.Manager", 3]}, do="work"))
    with pytest.raises(Gone, match=r"^finding\.Manager 3 exists no more$"):
        calling.perform(
            written(on={"$ref": ["finding.Manager", 2]}, do="work", args=[{"$ref": ["finding.Manager", 3]}])
        )


@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)
def test_a_server_that_was_restarted_is_found_again_at_the_next_try(
    guests: list[Guest], engine: Engine, postgres: Postgres
) -> None:
    guests[0].ayl_send("meet")
    postgres.restart()
    with pytest.raises(Unavailable, match=r"finding\.Guest 1 cannot be looked for: OperationalError"):
        guests[0].ayl_send("meet")
    guests[0].ayl_send("meet")
    assert len(SEEN) == 2
