"""What becomes of calls when a session is closed without a commit, or not even that."""

from __future__ import annotations

import gc
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import Engine, delete, insert, text, update
from sqlalchemy.orm import Session

from ayl import State

from .commits import Order, _quiet, elsewhere, engine, left, send

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.ayl.conftest import Outbox

__all__ = ["_quiet", "elsewhere", "engine"]


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
