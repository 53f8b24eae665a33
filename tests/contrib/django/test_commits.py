"""Sends within `transaction.atomic()` leave when it commits, in their order, and are dropped when it is rolled back."""

# mypy: disable-error-code="import-untyped, misc"
# Django brings no types, so its classes cannot be checked either.

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from django.core.handlers.base import BaseHandler
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.transaction import atomic

import ayl
from ayl import State
from ayl.errors import CannotSend, Unreachable

from .commits import Undo, database, note, send, sqlite, undone, words
from .market.models import Line, Order, Room

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.ayl.conftest import Outbox


@database
def test_without_a_transaction_a_call_is_sent_at_once(outbox: Outbox) -> None:
    Order.objects.create().ayl_send("ship", 1)
    assert words(outbox) == [1]


@database
def test_in_a_transaction_calls_wait_for_its_commit_and_leave_in_order_in_one_write(outbox: Outbox) -> None:
    with atomic():
        order = Order.objects.create()
        handles = [order.ayl_send("ship", 1), send(2), order.ayl_send("ship", 3)]
        assert not outbox.writes
        assert {handle.state for handle in handles} == {State.UNCOMMITTED}
    assert words(outbox) == [1, 2, 3]
    assert len(outbox.writes) == 1
    assert {handle.state for handle in handles} == {State.SUBMITTED}


@database
def test_a_rollback_drops_what_was_sent_and_the_handle_says_so(outbox: Outbox) -> None:
    with undone():
        handle = Order.objects.create().ayl_send("ship", 1)
    assert handle.state is State.DROPPED
    send(2)
    assert words(outbox) == [2]


@database
def test_a_call_sent_in_a_rolled_back_savepoint_is_never_made(outbox: Outbox) -> None:
    with atomic():
        first = send(1)
        with undone():
            second = send(2)
            with atomic():
                third = send(3)
        assert (first.state, second.state, third.state) == (State.UNCOMMITTED, State.DROPPED, State.DROPPED)
        with atomic():
            send(4)
            with undone():
                send(5)
        send(6)
    assert words(outbox) == [1, 4, 6]


@database
def test_a_block_without_a_savepoint_takes_the_one_around_it_along(outbox: Outbox) -> None:
    with atomic():
        send(1)
        with atomic():
            send(2)
            with undone(savepoint=False):
                send(3)
        send(4)
    assert words(outbox) == [1, 4]


@database
def test_a_commit_that_fails_drops_what_was_sent(outbox: Outbox) -> None:
    handles: list[ayl.Handle] = []

    def write() -> None:
        with atomic():
            Line.objects.create(order_id=99, number=1)  # the foreign key is checked at the commit
            handles.append(send(1))

    with pytest.raises(IntegrityError):
        write()
    assert not outbox.writes
    assert handles[0].state is State.DROPPED


@database
def test_an_error_of_the_database_drops_what_is_sent_after_it_too(outbox: Outbox) -> None:
    Room.objects.create(name="single")
    with atomic():
        with suppress(IntegrityError):
            Room.objects.create(name="single")
        handle = send(1)
    assert handle.state is State.DROPPED
    assert not outbox.writes


@database
def test_a_connection_that_is_lost_drops_what_was_sent(outbox: Outbox) -> None:
    with suppress(DatabaseError), atomic():
        handle = send(1)
        connection.close()
        Order.objects.create()
    Order.objects.create()
    assert handle.state is State.DROPPED
    assert not outbox.writes


@database
def test_after_commit_false_does_not_wait(outbox: Outbox) -> None:
    with undone():
        ayl.opts(after_commit=False).send(note, 1)
        assert words(outbox) == [1]


@database
def test_a_call_that_was_cancelled_does_not_leave_at_the_commit(outbox: Outbox) -> None:
    with atomic():
        first, _ = send(1), send(2)
        assert first.cancel()
    assert words(outbox) == [2]
    assert first.state is State.CANCELLED


@database
def test_a_batch_within_a_transaction_waits_and_one_around_it_takes_the_calls_in(outbox: Outbox) -> None:
    with atomic(), ayl.batch():
        send(1)
    with ayl.batch():
        with atomic():
            send(2)
        send(3)
        assert words(outbox) == [1]
    assert words(outbox) == [1, 2, 3]
    assert len(outbox.writes) == 2


@sqlite
def test_a_server_that_does_not_answer_is_told_after_the_commit() -> None:
    ayl.configure(app="shop", engine="beanstalk://127.0.0.1:1")
    handles: list[ayl.Handle] = []

    def write() -> None:
        with atomic():
            Order.objects.create()
            handles.extend([send(1), send(2)])

    with pytest.raises(Unreachable):
        write()
    assert [handle.state for handle in handles] == [State.REFUSED] * 2
    assert Order.objects.count() == 1


@sqlite
def test_a_request_that_django_makes_a_transaction_is_one(outbox: Outbox) -> None:
    connection.settings_dict["ATOMIC_REQUESTS"] = True

    def view(word: str, *, fails: bool) -> None:
        send(word)
        assert word not in words(outbox)
        if fails:
            raise Undo

    atomic_view = BaseHandler().make_view_atomic(view)
    with suppress(Undo):
        atomic_view("failed", fails=True)
    atomic_view("served", fails=False)
    assert words(outbox) == ["served"]


def by_hand() -> None:
    transaction.set_autocommit(False)


def by_hand_and_atomic() -> None:
    transaction.set_autocommit(False)
    connection.needs_rollback = False
    atomic().__enter__()


@pytest.mark.parametrize("begin", [by_hand, by_hand_and_atomic])
@database
def test_without_autocommit_a_send_that_cannot_know_of_the_commit_is_refused(
    begin: Callable[[], None], outbox: Outbox
) -> None:
    order = Order.objects.create()
    begin()
    try:
        for call in (lambda: send(1), lambda: order.ayl_send("ship", 1)):
            with pytest.raises(CannotSend, match=r"^autocommit is off for the database 'default'.*after_commit=False"):
                call()
        ayl.opts(after_commit=False).send(note, 2)
    finally:
        connection.close()
        connection.connect()
    send(3)
    assert words(outbox) == [2, 3]


@sqlite
def test_a_savepoint_made_by_hand_is_unknown_to_django(outbox: Outbox) -> None:
    """Documented: Django itself forgets callbacks of atomic blocks only."""
    with atomic():
        savepoint = transaction.savepoint()
        send(1)
        transaction.savepoint_rollback(savepoint)
    assert words(outbox) == [1]
