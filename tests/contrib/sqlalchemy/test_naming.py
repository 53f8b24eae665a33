"""Mapped instances are named by their identity, whatever state they are in, and without a query."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Engine, ForeignKey, create_engine, event
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

import ayl
from ayl.errors import NotCallable, NotSaved

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.ayl.conftest import Outbox


class Base(DeclarativeBase): ...


class Guest(Base, ayl.Sendable, ayl_name="naming.Guest"):
    __tablename__ = "guest"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    stays: Mapped[list[Stay]] = relationship(back_populates="guest")

    def greet(self, *others: Any) -> None: ...


class Stay(Base, ayl.Sendable, ayl_name="naming.Stay"):
    __tablename__ = "stay"

    guest_id: Mapped[int] = mapped_column(ForeignKey("guest.id"), primary_key=True)
    night: Mapped[str] = mapped_column(primary_key=True)
    guest: Mapped[Guest] = relationship(back_populates="stays")

    def clear(self) -> None: ...


@ayl.model("naming.Room")
class Room(Base):
    """Declared with the decorator."""

    __tablename__ = "room"

    number: Mapped[str] = mapped_column(primary_key=True)

    def clean(self) -> None: ...


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    made = create_engine(f"sqlite:///{tmp_path}/hotel.db")
    Base.metadata.create_all(made)
    yield made
    made.dispose()


@pytest.fixture
def statements(engine: Engine) -> list[str]:
    """Whatever the database is asked from now on."""
    seen: list[str] = []

    def remember(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        seen.append(statement)

    event.listen(engine, "before_cursor_execute", remember)
    return seen


@pytest.fixture
def guest(session: Session) -> Guest:
    """One who is saved; the session has committed, so that every attribute is expired."""
    saved = Guest(id=3, name="Jones", stays=[Stay(night="monday")])
    session.add(saved)
    session.commit()
    return saved


GUEST_3 = {"$ref": ["naming.Guest", 3]}


def test_a_saved_instance_is_named_by_its_primary_key(guest: Guest, outbox: Outbox) -> None:
    guest.ayl_send("greet")
    assert outbox.messages[0].on == GUEST_3


def test_an_expired_instance_is_named_without_a_query(guest: Guest, outbox: Outbox, statements: list[str]) -> None:
    guest.ayl_send("greet", guest, [guest])
    ayl.send(guest.greet)
    assert len(outbox.messages) == 2
    assert statements == []
    assert guest.name == "Jones"
    assert len(statements) == 1, "it was expired indeed"


def test_a_detached_and_expired_instance_is_named_as_well(
    guest: Guest, session: Session, outbox: Outbox, statements: list[str]
) -> None:
    session.close()
    guest.ayl_send("greet", guest)
    assert outbox.messages[0].args == [GUEST_3]
    assert statements == []


def test_naming_an_instance_writes_nothing_that_is_pending(
    guest: Guest, session: Session, outbox: Outbox, statements: list[str]
) -> None:
    session.add(Guest(id=4, name="Smith"))
    guest.ayl_send("greet")
    assert statements == []
    assert len(session.new) == 1


def test_a_changed_instance_is_named_by_the_key_it_has_in_the_database(guest: Guest, outbox: Outbox) -> None:
    guest.id = 30
    ayl.opts(after_commit=False).ayl_send(guest, "greet")
    assert outbox.messages[0].on == GUEST_3


def test_a_flushed_instance_has_an_identity(session: Session, outbox: Outbox) -> None:
    fresh = Guest(name="Smith")
    session.add(fresh)
    session.flush()
    fresh.ayl_send("greet")
    session.commit()
    assert outbox.messages[0].on == {"$ref": ["naming.Guest", fresh.id]}


@pytest.mark.parametrize("state", ["transient", "transient with a key", "pending", "rolled back"])
def test_an_instance_that_is_not_saved_is_refused_where_it_is_sent(
    state: str, session: Session, outbox: Outbox, statements: list[str]
) -> None:
    unsaved = Guest(name="Smith") if state == "transient" else Guest(id=9, name="Smith")
    if state in ("pending", "rolled back"):
        session.add(unsaved)
    if state == "rolled back":
        session.flush()
        session.rollback()
        statements.clear()
    with pytest.raises(NotSaved) as caught:
        unsaved.ayl_send("greet")
    assert str(caught.value) == (
        "the receiver is of type Guest and has no identity yet: session.add() it and flush() or commit() before sending"
    )
    with pytest.raises(NotSaved, match=r"^args\[1\]\['who'\] is of type Guest and has no identity yet"):
        ayl.ayl_send([], "insert", 0, {"who": unsaved})
    assert not outbox.writes
    assert statements == []


def test_a_composite_key_travels_whole_and_in_order(guest: Guest, session: Session, outbox: Outbox) -> None:
    guest.stays[0].ayl_send("clear")
    session.commit()
    assert outbox.messages[0].on == {"$ref": ["naming.Stay", {"$t": ["tuple", [3, "monday"]]}]}


def test_the_decorator_serves_mapped_classes_as_well(session: Session, outbox: Outbox) -> None:
    room = Room(number="12b")
    session.add(room)
    session.commit()
    room.ayl_send("clean")  # type: ignore[attr-defined]
    ayl.send(room.clean)
    assert [message.on for message in outbox.messages] == [{"$ref": ["naming.Room", "12b"]}] * 2


@pytest.mark.parametrize("state", ["marked", "flushed", "committed"])
def test_a_deleted_instance_is_refused_where_it_is_sent(
    state: str, guest: Guest, session: Session, outbox: Outbox, statements: list[str]
) -> None:
    room = Room(number="12b")
    session.add(room)
    session.commit()
    session.delete(room)
    if state == "flushed":
        session.flush()
    if state == "committed":
        session.commit()
    statements.clear()
    with pytest.raises(NotSaved) as caught:
        guest.ayl_send("greet", room)
    assert str(caught.value) == (
        "args[0] is of type Room and is deleted, so no worker could find it: send what the call needs of it instead"
    )
    assert statements == []


def test_an_instance_whose_deletion_was_rolled_back_is_named_again(
    guest: Guest, session: Session, outbox: Outbox
) -> None:
    room = Room(number="12b")
    session.add(room)
    session.commit()
    session.delete(room)
    session.flush()
    session.rollback()
    guest.ayl_send("greet", room)
    assert outbox.messages[0].args == [{"$ref": ["naming.Room", "12b"]}]


@pytest.mark.parametrize("name", ["name", "stays", "metadata", "registry"])
def test_columns_and_relationships_are_no_methods(
    name: str, guest: Guest, outbox: Outbox, statements: list[str]
) -> None:
    with pytest.raises(NotCallable, match=rf"^naming\.Guest\.{name} is no method"):
        guest.ayl_send(name)
    assert statements == []
