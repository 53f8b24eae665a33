"""A job with mapped instances: a session around the call, committed or rolled back, and closed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from sqlalchemy import Engine, create_engine, event, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker

import ayl
from ayl import calling
from ayl.contrib import sqlalchemy as ayl_sqlalchemy
from ayl.errors import Gone, Refused
from tests.ayl.conftest import written

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.ayl.conftest import Outbox


class Base(DeclarativeBase): ...


class Guest(Base, ayl.Sendable, ayl_name="jobs.Guest"):
    __tablename__ = "guest"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)

    seen: ClassVar[list[Any]] = []

    def rename(self, name: str) -> None:
        self.name = name

    def rename_and_fail(self, name: str, failure: str) -> None:
        self.name = name
        raise FAILURES[failure]

    def look(self, *others: Any) -> None:
        self.seen.append((ayl_sqlalchemy.session(), Session.object_session(self), self, self.id, *others))

    async def rename_later(self, name: str) -> None:
        await asyncio.sleep(0)
        self.name = name


class Pair(Base, ayl.Sendable, ayl_name="jobs.Pair"):
    __tablename__ = "pair"

    left: Mapped[int] = mapped_column(primary_key=True)
    right: Mapped[str] = mapped_column(primary_key=True)
    met: Mapped[bool] = mapped_column(default=False)

    def meet(self) -> None:
        self.met = True


class Hasty(Base, ayl.Sendable, ayl_name="jobs.Hasty"):
    """Sends before it is committed."""

    __tablename__ = "hasty"

    id: Mapped[int] = mapped_column(primary_key=True)

    @ayl.ayl_after_create(options={"after_commit": False})
    def greet(self) -> None: ...


class Hotel(ayl.Sendable, ayl_name="jobs.Hotel"):
    """Not mapped; its static methods work on the database all the same."""

    @staticmethod
    def check_in(name: str) -> None:
        ayl_sqlalchemy.session().add(Guest(name=name))

    @staticmethod
    async def check_in_later(name: str) -> None:
        await asyncio.sleep(0)
        ayl_sqlalchemy.session().add(Guest(name=name))

    @staticmethod
    def check_in_and_fail(name: str) -> None:
        ayl_sqlalchemy.session().add(Guest(name=name))
        raise RuntimeError("no room")

    @staticmethod
    def nothing() -> None: ...


FAILURES: dict[str, BaseException] = {
    "error": RuntimeError("on purpose"),
    "decay": ayl.Decay(3),
    "bury": ayl.Bury("no such name"),
    "exit": SystemExit(1),
}


@pytest.fixture
def engine(tmp_path: Path, inline: None) -> Iterator[Engine]:
    made = create_engine(f"sqlite:///{tmp_path}/hotel.db")
    Base.metadata.create_all(made)
    with Session(made) as session, session.begin():
        session.add_all([Guest(id=3, name="Jones"), Guest(id=4, name="Smith"), Pair(left=1, right="a")])
    ayl_sqlalchemy.bind(sessionmaker(made))
    Guest.seen.clear()
    yield made
    made.dispose()


@pytest.fixture
def events(engine: Engine) -> list[str]:
    """What the database sees of transactions, and whether a connection was given back."""
    seen: list[str] = []
    for name in ("commit", "rollback"):
        event.listen(engine, name, lambda _connection, name=name: seen.append(name))
    event.listen(engine, "checkin", lambda *_: seen.append("given back"))
    return seen


def stored(engine: Engine, key: int = 3) -> Guest:
    with Session(engine) as session:
        return session.get_one(Guest, key)


def names(engine: Engine) -> set[str]:
    with Session(engine) as session:
        return set(session.scalars(select(Guest.name)))


def test_the_call_finds_the_object_fresh_and_its_session_is_committed(engine: Engine, events: list[str]) -> None:
    guest = stored(engine)
    events.clear()
    guest.ayl_send("rename", "Brown")
    assert events == ["commit", "given back"]
    assert (guest.name, stored(engine).name) == ("Jones", "Brown")


@pytest.mark.parametrize("failure", FAILURES)
def test_whatever_the_call_raises_its_session_is_rolled_back_and_closed(
    failure: str, engine: Engine, events: list[str]
) -> None:
    guest = stored(engine)
    events.clear()
    with pytest.raises(type(FAILURES[failure])) as caught:
        guest.ayl_send("rename_and_fail", "Brown", failure)
    assert caught.value is FAILURES[failure]
    assert events == ["rollback", "given back"]
    assert stored(engine).name == "Jones"


def test_a_commit_that_fails_is_the_calls_failure(engine: Engine, events: list[str]) -> None:
    guest = stored(engine)
    events.clear()
    with pytest.raises(IntegrityError):
        guest.ayl_send("rename", "Smith")
    assert events == ["rollback", "given back"]
    assert stored(engine).name == "Jones"


def test_the_objects_of_one_job_share_a_session_and_those_of_two_do_not(engine: Engine) -> None:
    guest, other = stored(engine), stored(engine, 4)
    guest.ayl_send("look", guest, other)
    guest.ayl_send("look")
    (session, of_the_object, found, number, again, second), (later, *_) = Guest.seen
    assert session is of_the_object
    assert (found, number) == (again, 3)
    assert second not in (found, guest, other)
    assert later is not session


def test_a_composite_key_is_found_again(engine: Engine) -> None:
    with Session(engine) as session:
        session.get_one(Pair, (1, "a")).ayl_send("meet")
    with Session(engine) as session:
        assert session.get_one(Pair, (1, "a")).met


def test_an_object_that_was_deleted_before_the_call_is_gone(engine: Engine) -> None:
    guest, other = stored(engine), stored(engine, 4)
    with Session(engine) as session, session.begin():
        session.delete(session.get_one(Guest, 3))
    with pytest.raises(Gone, match=r"^jobs\.Guest 3 exists no more$"):
        guest.ayl_send("look")
    with pytest.raises(Gone, match=r"^jobs\.Guest 3 exists no more$"):
        other.ayl_send("look", [guest])
    assert Guest.seen == []


def test_a_call_may_commit_what_it_has_got_so_far(engine: Engine) -> None:
    @ayl.task("jobs.in_steps")
    def in_steps(guest: Guest) -> None:
        guest.name = "Brown"
        ayl.ayl_send(guest, "look")
        ayl_sqlalchemy.session().commit()
        assert len(Guest.seen) == 1
        guest.name = "Miller"
        raise FAILURES["error"]

    with pytest.raises(RuntimeError, match="on purpose"):
        ayl.send(in_steps, stored(engine))
    assert stored(engine).name == "Brown"


# Static methods, functions and coroutines


def test_a_static_method_works_in_the_session_of_its_job(engine: Engine, events: list[str]) -> None:
    Hotel.ayl_send("check_in", "Miller")
    assert events[:2] == ["commit", "given back"]
    assert "Miller" in names(engine)


def test_what_a_static_method_did_is_rolled_back_when_it_raises(engine: Engine, events: list[str]) -> None:
    with pytest.raises(RuntimeError, match="no room"):
        Hotel.ayl_send("check_in_and_fail", "Miller")
    assert "Miller" not in names(engine)


def test_a_job_that_needs_no_session_opens_none(engine: Engine) -> None:
    ayl_sqlalchemy.bind(lambda: pytest.fail("opened"))
    Hotel.ayl_send("nothing")


def test_a_coroutine_method_changes_its_object(engine: Engine) -> None:
    stored(engine).ayl_send("rename_later", "Brown")
    assert stored(engine).name == "Brown"


def test_a_coroutine_works_in_the_session_of_its_job(engine: Engine) -> None:
    Hotel.ayl_send("check_in_later", "Miller")
    assert "Miller" in names(engine)


def test_what_other_threads_of_a_call_send_waits_for_its_commit_too(engine: Engine) -> None:
    @ayl.task("jobs.look_around")
    async def look_around(guest: Guest) -> None:
        await asyncio.to_thread(ayl.send, ring, "thread")
        await asyncio.create_task(ayl.asend(ring, "task"))
        assert Guest.seen == []

    @ayl.task("jobs.ring")
    def ring(what: str) -> None:
        Guest.seen.append(what)

    ayl.send(look_around, stored(engine))
    assert Guest.seen == ["thread", "task"]


# Sessions that the code of a call opens itself


@pytest.fixture
def own(engine: Engine, outbox: Outbox) -> Iterator[Session]:
    """One of the code's own, which no call closes; what calls send goes into the outbox."""
    with Session(engine) as opened:
        yield opened


def perform(function: Callable[[], object]) -> None:
    ayl.task("jobs.function")(function)
    calling.perform(written(do="jobs.function"))


@ayl.task("jobs.note")
def note(what: str) -> None: ...


def test_what_a_call_sent_in_a_session_that_it_left_open_leaves_at_the_call_s_end(own: Session, outbox: Outbox) -> None:
    def read() -> None:
        own.get_one(Guest, 3).ayl_send("look", "first")
        ayl.send(note, "second")
        own.begin_nested()
        ayl.send(note, "third")
        assert not outbox.messages

    perform(read)
    assert [message.args[0] for message in outbox.messages] == ["first", "second", "third"]
    own.commit()
    assert len(outbox.messages) == 3


@pytest.mark.parametrize("flushed", [True, False])
def test_unless_it_has_written_in_it(flushed: bool, own: Session, outbox: Outbox) -> None:
    def write() -> None:
        own.get_one(Guest, 3).name = "Brown"
        if flushed:
            own.flush()
        ayl.send(note, "second")

    perform(write)
    assert not outbox.messages
    own.commit()
    assert len(outbox.messages) == 1


def test_or_the_session_was_open_before_the_call(own: Session, outbox: Outbox) -> None:
    own.get_one(Guest, 3)
    perform(lambda: ayl.send(note, "later"))
    assert not outbox.messages
    own.commit()
    assert len(outbox.messages) == 1


# What no server takes after the commit of a call


def test_a_call_that_is_committed_is_put_aside_and_not_made_again_if_what_it_sent_is_refused(
    engine: Engine, outbox: Outbox
) -> None:
    def rename() -> None:
        ayl_sqlalchemy.session().get_one(Guest, 3).name = "Brown"
        ayl.send(note, "renamed")

    outbox.refuse = lambda _number: Refused("too big")
    with pytest.raises(ayl.Bury) as caught:
        perform(rename)
    assert str(caught.value) == "what the call has done is committed, but what it has sent was not taken: too big"
    assert isinstance(caught.value.__cause__, Refused)
    assert stored(engine).name == "Brown"


def test_a_call_that_is_refused_what_it_sends_at_once_has_failed_as_any_other(engine: Engine, outbox: Outbox) -> None:
    def rename() -> None:
        ayl_sqlalchemy.session().get_one(Guest, 3).name = "Brown"
        ayl.opts(after_commit=False).send(note, "renamed")

    outbox.refuse = lambda _number: Refused("too big")
    with pytest.raises(Refused, match="too big"):
        perform(rename)
    assert stored(engine).name == "Jones"


def test_nor_is_one_committed_whose_hook_is_refused_what_it_sends_before_the_commit(
    engine: Engine, outbox: Outbox
) -> None:
    outbox.refuse = lambda _number: Refused("too big")
    with pytest.raises(Refused, match="too big"):
        perform(lambda: ayl_sqlalchemy.session().add(Hasty(id=1)))
    with Session(engine) as session:
        assert session.get(Hasty, 1) is None
