"""Sends wait for the commit of their session, in order, and are dropped with what is rolled back."""

from __future__ import annotations

import gc
import logging
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from sqlalchemy import Connection, Engine, create_engine, delete, event, insert, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, scoped_session, sessionmaker

import ayl
from ayl import Handle, State
from ayl.contrib import sqlalchemy as ayl_sqlalchemy
from ayl.errors import Refused
from tests.postgres import sqlalchemy_url

from .conftest import with_savepoints

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.ayl.conftest import Outbox
    from tests.postgres import Postgres


class Base(DeclarativeBase): ...


class Order(Base, ayl.Sendable, ayl_name="commits.Order"):
    __tablename__ = "shop_order"

    id: Mapped[int] = mapped_column(primary_key=True)
    note: Mapped[str] = mapped_column(unique=True)

    seen: ClassVar[list[str]] = []

    def ship(self, carrier: str) -> None: ...

    def change(self, note: str) -> None:
        self.note = note
        self.ayl_send("look")
        ayl.send(announce, "changed")
        self.seen.append("called")

    def change_and_fail(self, note: str) -> None:
        self.change(note)
        raise RuntimeError("no room")

    def look(self) -> None:
        self.seen.append(self.note)

    def look_again_and_fail(self) -> None:
        self.ayl_send("look")
        raise RuntimeError("no room")

    async def change_later(self, note: str) -> None:
        self.change(note)


@ayl.task("commits.announce")
def announce(what: str) -> None: ...


@pytest.fixture(scope="module")
def elsewhere(postgres: Postgres) -> str:
    """A database of PostgreSQL for these tests, one after the other."""
    return sqlalchemy_url(postgres.fresh())


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path, outbox: Outbox) -> Iterator[Engine]:
    if request.param == "sqlite":
        made = with_savepoints(create_engine(f"sqlite:///{tmp_path}/shop.db"))
    else:
        made = create_engine(request.getfixturevalue("elsewhere"))
    Base.metadata.drop_all(made)
    Base.metadata.create_all(made)
    with Session(made) as session, session.begin():
        for note in ("one", "two"):
            session.add(Order(note=note))
            session.flush()  # so that their ids are 1 and 2
    Order.seen.clear()
    yield made
    made.dispose()


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    with Session(engine) as opened:
        yield opened


def left(outbox: Outbox) -> list[Any]:
    return [message.args[0] for message in outbox.messages]


def send(what: str) -> Handle:
    return ayl.send(announce, what)


# Commit and rollback


def test_a_send_waits_for_the_commit_and_has_its_id_at_once(session: Session, outbox: Outbox) -> None:
    order = session.get_one(Order, 1)
    handle = order.ayl_send("ship", "ups")
    assert (left(outbox), handle.state, len(handle.id)) == ([], State.UNCOMMITTED, 36)
    session.commit()
    assert (left(outbox), handle.state) == (["ups"], State.SUBMITTED)
    assert outbox.messages[0].id == handle.id


def test_sends_leave_in_order_and_in_one_write(session: Session, outbox: Outbox) -> None:
    order = session.get_one(Order, 1)
    for number in range(5):
        order.ayl_send("ship", str(number))
        send(f"{number} shipped")
    session.commit()
    assert left(outbox) == [text for number in range(5) for text in (str(number), f"{number} shipped")]
    assert len(outbox.writes) == 1


def test_a_send_of_a_transaction_that_is_rolled_back_is_never_made(session: Session, outbox: Outbox) -> None:
    handle = session.get_one(Order, 1).ayl_send("ship", "ups")
    session.rollback()
    session.commit()
    assert (left(outbox), handle.state) == ([], State.DROPPED)


def test_an_exception_through_begin_drops_it(engine: Engine, outbox: Outbox) -> None:
    with suppress(RuntimeError), Session(engine) as session, session.begin():
        handle = send("never")
        raise RuntimeError
    assert (left(outbox), handle.state) == ([], State.DROPPED)


def test_a_commit_that_fails_drops_it(engine: Engine, outbox: Outbox) -> None:
    with Session(engine) as session:
        session.add(Order(note="one"))
        handle = send("never")
        with pytest.raises(IntegrityError):
            session.commit()
    assert (left(outbox), handle.state) == ([], State.DROPPED)


def test_the_next_transaction_of_a_session_begins_with_nothing(session: Session, outbox: Outbox) -> None:
    session.get_one(Order, 1).ayl_send("ship", "first")
    session.commit()
    session.get_one(Order, 1).ayl_send("ship", "second")
    assert left(outbox) == ["first"]
    session.rollback()
    session.get_one(Order, 1).ayl_send("ship", "third")
    session.commit()
    assert left(outbox) == ["first", "third"]


def test_without_a_transaction_a_send_leaves_at_once(engine: Engine, session: Session, outbox: Outbox) -> None:
    order = session.get_one(Order, 1)
    session.commit()
    order.ayl_send("ship", "ups")
    send("at once")
    assert left(outbox) == ["ups", "at once"]


def test_one_that_is_told_not_to_wait_leaves_at_once(session: Session, outbox: Outbox) -> None:
    order = session.get_one(Order, 1)
    ayl.opts(after_commit=False).send(order.ship, "ups")
    session.rollback()
    assert left(outbox) == ["ups"]


def test_one_that_is_cancelled_before_the_commit_never_leaves(session: Session, outbox: Outbox) -> None:
    order = session.get_one(Order, 1)
    first, _ = order.ayl_send("ship", "ups"), order.ayl_send("ship", "dhl")
    assert first.cancel()
    session.commit()
    assert left(outbox) == ["dhl"]


def test_a_transaction_in_a_batch_leaves_with_the_batch(session: Session, outbox: Outbox) -> None:
    with ayl.batch():
        send("first")
        with session.begin():
            send("second")
        handle = send("third")
        assert (left(outbox), handle.state) == ([], State.BATCHED)
    assert left(outbox) == ["first", "second", "third"]
    assert len(outbox.writes) == 1


def test_a_batch_in_a_transaction_waits_for_the_commit(session: Session, outbox: Outbox) -> None:
    with session.begin():
        with ayl.batch():
            send("first")
        assert left(outbox) == []
    assert left(outbox) == ["first"]


@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)
def test_a_two_phase_commit_is_a_commit(engine: Engine, outbox: Outbox) -> None:
    with Session(engine, twophase=True) as session:
        session.add(Order(note="three"))
        send("first")
        session.prepare()
        assert left(outbox) == []
        session.commit()
        assert left(outbox) == ["first"]
        session.add(Order(note="four"))
        send("second")
        session.prepare()
        session.rollback()
    assert left(outbox) == ["first"]


def test_a_commit_that_fails_drops_what_was_sent_by_a_session_that_only_read(engine: Engine, outbox: Outbox) -> None:
    def refuse(_session: Session) -> None:
        raise RuntimeError("not now")

    with Session(engine) as session:
        handle = session.get_one(Order, 1).ayl_send("ship", "ups")
        event.listen(session, "before_commit", refuse)
        with pytest.raises(RuntimeError, match="not now"):
            session.commit()
    assert (left(outbox), handle.state) == ([], State.DROPPED)


# Savepoints


def test_a_savepoint_that_is_rolled_back_drops_its_own_and_no_other(session: Session, outbox: Outbox) -> None:
    with session.begin():
        send("before")
        with suppress(RuntimeError), session.begin_nested():
            handle = send("in it")
            raise RuntimeError
        assert handle.state is State.DROPPED
        send("after")
    assert left(outbox) == ["before", "after"]


def test_a_released_savepoint_waits_for_the_whole(session: Session, outbox: Outbox) -> None:
    with session.begin():
        with session.begin_nested():
            send("in it")
        assert left(outbox) == []
        send("after")
    assert left(outbox) == ["in it", "after"]


def test_a_released_savepoint_goes_with_what_it_is_in(session: Session, outbox: Outbox) -> None:
    with session.begin(), suppress(RuntimeError), session.begin_nested():
        with session.begin_nested(), session.begin_nested():
            send("deep")
        raise RuntimeError
    assert left(outbox) == []


def test_savepoints_are_left_open_by_a_rollback_of_an_outer_one(session: Session, outbox: Outbox) -> None:
    session.begin()
    send("first")
    outer = session.begin_nested()
    session.add(Order(note="three"))
    send("outer")
    session.begin_nested()
    session.add(Order(note="four"))
    session.flush()
    send("inner")
    outer.rollback()
    session.commit()
    assert left(outbox) == ["first"]


def test_a_commit_releases_what_is_open(session: Session, outbox: Outbox) -> None:
    session.begin()
    session.begin_nested()
    send("outer")
    session.begin_nested()
    session.add(Order(note="three"))
    send("inner")
    session.commit()
    assert left(outbox) == ["outer", "inner"]


def test_a_flush_that_fails_in_a_savepoint_drops_that_savepoint_only(session: Session, outbox: Outbox) -> None:
    with session.begin():
        send("before")
        with suppress(IntegrityError), session.begin_nested():
            send("in it")
            session.add(Order(note="one"))
            session.flush()
        send("after")
    assert left(outbox) == ["before", "after"]


def test_a_savepoint_that_is_closed_with_changes_is_undone(
    session: Session, outbox: Outbox, caplog: pytest.LogCaptureFixture
) -> None:
    with session.begin():
        savepoint = session.begin_nested()
        session.add(Order(note="three"))
        session.flush()
        send("undone")
        savepoint.close()
        send("after")
    assert left(outbox) == ["after"]
    assert "1 call was dropped" in caplog.text


# Sessions that are closed, or not even that


def test_a_session_that_only_read_sends_when_it_is_closed(engine: Engine, outbox: Outbox) -> None:
    with Session(engine) as session:
        order = session.get_one(Order, 1)
        session.execute(text("SELECT 1"))
        handle = order.ayl_send("ship", "ups")
        assert left(outbox) == []
    assert (left(outbox), handle.state) == (["ups"], State.SUBMITTED)


def touched(session: Session) -> None:
    session.get_one(Order, 1).note = "three"


def flushed(session: Session) -> None:
    touched(session)
    session.flush()


def in_a_savepoint(session: Session) -> None:
    session.begin_nested()
    flushed(session)


def released(session: Session) -> None:
    with session.begin_nested():
        touched(session)


WRITES: dict[str, Callable[[Session], object]] = {
    "new": lambda session: session.add(Order(note="three")),
    "changed": touched,
    "deleted": lambda session: session.delete(session.get_one(Order, 2)),
    "flushed": flushed,
    "in a savepoint": in_a_savepoint,
    "in a released savepoint": released,
    "insert": lambda session: session.execute(insert(Order).values(note="three")),
    "update": lambda session: session.execute(update(Order).values(note=Order.note + "!")),
    "delete": lambda session: session.execute(delete(Order).where(Order.id == 2)),
    "text": lambda session: session.execute(text("DELETE FROM shop_order WHERE id = 2")),
    "bulk": lambda session: session.bulk_insert_mappings(Order, [{"note": "three"}]),
}


@pytest.mark.parametrize("first", [True, False], ids=["written before", "written after"])
@pytest.mark.parametrize("write", WRITES)
def test_a_session_that_is_closed_with_changes_drops_and_says_so(
    write: str, first: bool, engine: Engine, outbox: Outbox, caplog: pytest.LogCaptureFixture
) -> None:
    with Session(engine) as session:
        if first:
            WRITES[write](session)
            session.get_one(Order, 1).ayl_send("ship", "ups")
        else:
            session.get_one(Order, 1).ayl_send("ship", "ups")
            WRITES[write](session)
        handle = send("never")
    assert (left(outbox), handle.state) == ([], State.DROPPED)
    assert [record.getMessage() for record in caplog.records] == [
        "a session was closed without a commit, which undoes its changes; with them 2 calls were dropped"
    ]


def test_changes_that_were_rolled_back_to_a_savepoint_are_none(engine: Engine, outbox: Outbox) -> None:
    with Session(engine) as session:
        session.get_one(Order, 1).ayl_send("ship", "ups")
        with suppress(RuntimeError), session.begin_nested():
            session.add(Order(note="three"))
            session.flush()
            raise RuntimeError
    assert left(outbox) == ["ups"]


def test_a_session_that_nobody_closed_sends_what_it_only_read(engine: Engine, outbox: Outbox) -> None:
    session = Session(engine)
    session.get_one(Order, 1).ayl_send("ship", "ups")
    del session
    gc.collect()
    assert left(outbox) == []
    send("the next")
    assert left(outbox) == ["ups", "the next"]


def test_a_session_that_nobody_closed_drops_what_it_wrote(
    engine: Engine, outbox: Outbox, caplog: pytest.LogCaptureFixture
) -> None:
    session = Session(engine)
    session.execute(update(Order).where(Order.id == 1).values(note="three"))
    handle = session.get_one(Order, 1).ayl_send("ship", "ups")
    del session
    gc.collect()
    send("the next")
    assert (left(outbox), handle.state) == (["the next"], State.DROPPED)
    assert "1 call was dropped" in caplog.text


# Which session


def test_the_session_of_a_named_object_decides(engine: Engine, session: Session, outbox: Outbox) -> None:
    order = session.get_one(Order, 1)
    with Session(engine) as later, later.begin():
        later.get_one(Order, 2)
        order.ayl_send("ship", "of the first")
        ayl.send(announce, "of the second")
        ayl.ayl_send([], "append", [order])
    assert left(outbox) == ["of the second"]
    session.commit()
    assert len(left(outbox)) == 3


def test_without_one_it_is_the_latest_that_was_begun(engine: Engine, session: Session, outbox: Outbox) -> None:
    detached = session.get_one(Order, 1)
    session.close()
    with session.begin():
        with Session(engine) as later, later.begin():
            detached.ayl_send("ship", "second")
        assert left(outbox) == ["second"]
        detached.ayl_send("ship", "first")
    assert left(outbox) == ["second", "first"]


def in_a_thread(function: Callable[[], object]) -> None:
    thread = threading.Thread(target=function)
    thread.start()
    thread.join()


def test_a_session_of_another_thread_holds_nothing_back(session: Session, outbox: Outbox) -> None:
    order = session.get_one(Order, 1)
    in_a_thread(lambda: send("at once"))
    assert left(outbox) == ["at once"]
    in_a_thread(lambda: order.ayl_send("ship", "its own"))
    assert left(outbox) == ["at once"]
    session.commit()
    assert left(outbox) == ["at once", "its own"]


def test_a_session_that_ends_in_another_thread_is_over_here_too(session: Session, outbox: Outbox) -> None:
    session.get_one(Order, 1)
    in_a_thread(session.commit)
    send("at once")
    assert left(outbox) == ["at once"]


def test_a_scoped_session_is_a_session(engine: Engine, outbox: Outbox) -> None:
    scoped = scoped_session(sessionmaker(engine))
    scoped.get_one(Order, 1).ayl_send("ship", "ups")
    assert left(outbox) == []
    scoped.commit()
    scoped.get_one(Order, 1).ayl_send("ship", "dhl")
    scoped.remove()
    assert left(outbox) == ["ups", "dhl"]


# Jobs


@pytest.fixture
def job(engine: Engine, inline: None) -> Order:
    """The object of a job that is made in place."""
    ayl_sqlalchemy.bind(sessionmaker(engine))
    with Session(engine) as session:
        return session.get_one(Order, 1)


@pytest.mark.parametrize("method", ["change", "change_later"])
def test_what_a_call_sends_leaves_when_what_it_wrote_is_committed(method: str, job: Order) -> None:
    job.ayl_send(method, "three")
    assert Order.seen == ["called", "three"]


def test_what_a_call_sends_is_dropped_when_it_raises(job: Order) -> None:
    with pytest.raises(RuntimeError, match="no room"):
        job.ayl_send("change_and_fail", "three")
    assert Order.seen == ["called"]


def test_so_it_is_when_the_call_has_written_nothing(job: Order) -> None:
    with pytest.raises(RuntimeError, match="no room"):
        job.ayl_send("look_again_and_fail")
    assert Order.seen == []


# A server that refuses


def test_a_refusal_is_raised_when_all_were_tried_and_the_session_is_as_new(session: Session, outbox: Outbox) -> None:
    outbox.refuse = lambda number: Refused("draining") if number == 1 else None
    session.add(Order(note="three"))
    first, second = send("refused"), send("taken")
    with pytest.raises(Refused, match="draining"):
        session.commit()
    assert (first.state, second.state) == (State.REFUSED, State.SUBMITTED)
    assert not session.in_transaction()
    assert session.scalars(select(Order.note).where(Order.note == "three")).all() == ["three"]
    session.close()


def test_a_refusal_at_the_end_of_a_with_block_is_raised_there(engine: Engine, outbox: Outbox) -> None:
    outbox.refuse = lambda _number: Refused("draining")

    def work() -> None:
        with Session(engine) as session, session.begin():
            session.add(Order(note="three"))
            send("refused")

    with pytest.raises(Refused, match="draining"):
        work()
    with Session(engine) as session:
        assert session.scalars(select(Order.note).where(Order.note == "three")).all() == ["three"]


def test_a_refusal_at_a_close_is_raised_when_the_connection_was_given_back(engine: Engine, outbox: Outbox) -> None:
    outbox.refuse = lambda _number: Refused("draining")
    session = Session(engine)
    session.get_one(Order, 1).ayl_send("ship", "refused")
    with pytest.raises(Refused, match="draining"):
        session.close()
    assert engine.pool.checkedout() == 0  # type: ignore[attr-defined] # the pools of both dialects have it
    assert not session.in_transaction()


# Tests that never commit


@pytest.fixture
def joined(engine: Engine) -> Iterator[Session]:
    """SQLAlchemy's recipe: whatever the session does is undone."""
    with engine.connect() as connection, connection.begin() as transaction:
        with Session(connection, join_transaction_mode="create_savepoint") as session:
            yield session
        transaction.rollback()


def test_in_a_session_that_joined_a_transaction_its_own_commit_counts(joined: Session, outbox: Outbox) -> None:
    joined.add(Order(note="three"))
    send("sent")
    joined.commit()
    assert left(outbox) == ["sent"]
    joined.add(Order(note="four"))
    send("dropped")
    joined.rollback()
    assert left(outbox) == ["sent"]


def test_a_connection_without_a_session_holds_nothing_back(engine: Engine, outbox: Outbox) -> None:
    connection: Connection
    with engine.begin() as connection:
        connection.execute(insert(Order).values(note="three"))
        send("at once")
        assert left(outbox) == ["at once"]


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "ayl")
