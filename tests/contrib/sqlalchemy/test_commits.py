"""Sends wait for the commit of their session, in order, and are dropped with what is rolled back."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import Connection, Engine, event, insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

import ayl
from ayl import State

from .commits import Order, _quiet, elsewhere, engine, left, send

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.ayl.conftest import Outbox

__all__ = ["_quiet", "elsewhere", "engine"]


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
