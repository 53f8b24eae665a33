"""Which session's commit a call waits for, and what a refusal at that commit leaves behind."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session, scoped_session, sessionmaker

import ayl
from ayl import State
from ayl.contrib import sqlalchemy as ayl_sqlalchemy
from ayl.errors import Refused

from .commits import Order, _quiet, announce, elsewhere, engine, left, send

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.ayl.conftest import Outbox

__all__ = ["_quiet", "elsewhere", "engine"]


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
