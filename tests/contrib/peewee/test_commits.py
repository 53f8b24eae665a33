"""A call waits for the commit of peewee's transaction, and is dropped with what is rolled back."""

# mypy: disable-error-code="no-untyped-call, untyped-decorator"
# Peewee brings types for some of it.

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import peewee

import ayl
from ayl import State

from .conftest import closed
from .models import Order
from .notes import OnPurposeError, left, note, notes

if TYPE_CHECKING:
    from tests.ayl.conftest import Outbox


# Commit and rollback


def test_a_call_leaves_at_the_commit_with_its_id_known_before(database: Any, outbox: Outbox) -> None:
    with database.atomic():
        first, second = ayl.send(note, "a"), ayl.send(note, "b")
        assert (first.state, second.state) == (State.UNCOMMITTED, State.UNCOMMITTED)
        assert left(outbox) == []
    assert left(outbox) == ["a", "b"]
    assert first.state is State.SUBMITTED
    assert [message.id for message in outbox.messages] == [first.id, second.id]


def test_the_calls_of_a_transaction_leave_in_one_write(database: Any, outbox: Outbox) -> None:
    with database.atomic():
        for word in "abc":
            ayl.send(note, word)
    assert [len(write) for write in outbox.writes] == [3]


def test_a_call_of_a_transaction_that_is_rolled_back_is_dropped(database: Any, outbox: Outbox) -> None:
    with suppress(OnPurposeError), database.atomic():
        handle = ayl.send(note, "a")
        raise OnPurposeError
    assert handle.state is State.DROPPED
    with database.atomic():
        ayl.send(note, "b")
    assert left(outbox) == ["b"]


def test_without_a_transaction_a_call_leaves_at_once(database: Any, outbox: Outbox) -> None:
    Order.create()
    ayl.send(Order.get().ship)
    assert len(outbox.messages) == 1


def test_after_commit_false_leaves_at_once(database: Any, outbox: Outbox) -> None:
    with suppress(OnPurposeError), database.atomic():
        ayl.opts(after_commit=False).send(note, "a")
        assert left(outbox) == ["a"]
        raise OnPurposeError
    assert left(outbox) == ["a"]


def test_a_cancelled_call_does_not_leave_at_the_commit(database: Any, outbox: Outbox) -> None:
    with database.atomic():
        ayl.send(note, "a")
        assert ayl.send(note, "b").cancel()
    assert left(outbox) == ["a"]


def test_a_batch_around_a_transaction_takes_in_what_was_committed(database: Any, outbox: Outbox) -> None:
    with ayl.batch():
        with database.atomic():
            handle = ayl.send(note, "a")
        assert (handle.state, left(outbox)) == (State.BATCHED, [])
    assert left(outbox) == ["a"]


# Savepoints


def test_a_savepoint_that_is_rolled_back_takes_its_own_calls_and_no_others(database: Any, outbox: Outbox) -> None:
    with database.atomic():
        ayl.send(note, "before")
        with suppress(OnPurposeError), database.atomic():
            dropped = ayl.send(note, "within")
            raise OnPurposeError
        assert dropped.state is State.DROPPED
        ayl.send(note, "after")
    assert left(outbox) == ["before", "after"]


def test_peewees_own_hook_calls_what_a_savepoint_has_rolled_back(sqlite: Any) -> None:
    called: list[str] = []
    with sqlite.atomic(), suppress(OnPurposeError), sqlite.atomic():
        sqlite.after_commit(lambda: called.append("rolled back"))
        raise OnPurposeError
    assert called == ["rolled back"]


def test_nested_savepoints_that_are_released_one_by_one_keep_their_calls(database: Any, outbox: Outbox) -> None:
    with database.atomic():
        with database.atomic():
            ayl.send(note, "a")
            with database.atomic():
                ayl.send(note, "b")
            assert left(outbox) == []
        ayl.send(note, "c")
    assert left(outbox) == ["a", "b", "c"]


def test_what_was_released_within_is_dropped_with_the_savepoint_around_it(database: Any, outbox: Outbox) -> None:
    with database.atomic():
        with suppress(OnPurposeError), database.atomic():
            with database.atomic():
                ayl.send(note, "a")
            raise OnPurposeError
        ayl.send(note, "b")
    assert left(outbox) == ["b"]


def test_a_savepoint_may_be_rolled_back_and_gone_on_with(database: Any, outbox: Outbox) -> None:
    with database.atomic():
        with database.atomic() as savepoint:
            ayl.send(note, "a")
            savepoint.rollback()
            ayl.send(note, "b")
            savepoint.commit()
            ayl.send(note, "c")
            savepoint.rollback()
            ayl.send(note, "d")
        assert left(outbox) == []
    assert left(outbox) == ["b", "d"]


def test_a_savepoint_outside_of_a_transaction_is_one_in_sqlite(sqlite: Any, outbox: Outbox) -> None:
    with sqlite.savepoint():
        ayl.send(note, "a")
        with sqlite.savepoint():
            ayl.send(note, "b")
        assert left(outbox) == []
    assert left(outbox) == ["a", "b"]


# The other ways to open and end transactions


def test_an_explicit_commit_within_the_block_sends_what_has_waited(database: Any, outbox: Outbox) -> None:
    with suppress(OnPurposeError), database.atomic() as transaction:
        ayl.send(note, "a")
        transaction.commit()
        assert left(outbox) == ["a"]
        ayl.send(note, "b")
        assert left(outbox) == ["a"]
        transaction.rollback()
        ayl.send(note, "c")
        transaction.commit()
        ayl.send(note, "d")
        raise OnPurposeError
    assert left(outbox) == ["a", "c"]


def test_a_commit_within_a_savepoint_sends_what_has_waited(database: Any, outbox: Outbox) -> None:
    with suppress(peewee.PeeweeException), database.atomic() as transaction, database.atomic():
        ayl.send(note, "a")
        transaction.commit()
        assert left(outbox) == ["a"]
        ayl.send(note, "b")  # the savepoint is no more, so the end of its block fails, and the transaction with it
    assert left(outbox) == ["a"]
    assert notes() == []


def test_the_database_s_own_commit_and_rollback_count_as_well(database: Any, outbox: Outbox) -> None:
    with suppress(peewee.PeeweeException), database.atomic():
        ayl.send(note, "a")
        database.commit()
        assert left(outbox) == ["a"]
        database.begin()
        dropped = ayl.send(note, "b")
        database.rollback()
        assert dropped.state is State.DROPPED
        database.begin()
        ayl.send(note, "c")
    assert left(outbox) == ["a", "c"]


def test_a_transaction_within_a_transaction_ends_with_the_outer_one(database: Any, outbox: Outbox) -> None:
    with database.transaction():
        with suppress(OnPurposeError), database.transaction():
            Order.create(note="a")
            ayl.send(note, "a")
            raise OnPurposeError  # to which peewee does nothing
        assert left(outbox) == []
    assert left(outbox) == notes() == ["a"]


def test_sessions_are_transactions(database: Any, outbox: Outbox) -> None:
    database.session_start()
    ayl.send(note, "a")
    assert left(outbox) == []
    database.session_commit()
    assert left(outbox) == ["a"]
    database.session_start()
    ayl.send(note, "b")
    database.session_rollback()
    assert left(outbox) == ["a"]


def test_a_database_is_a_block_with_a_transaction(database: Any, outbox: Outbox) -> None:
    closed(database)
    with database:
        ayl.send(note, "a")
        assert left(outbox) == []
    assert left(outbox) == ["a"]
    with suppress(OnPurposeError), database:
        ayl.send(note, "b")
        raise OnPurposeError
    assert left(outbox) == ["a"]
    assert database.is_closed()


def test_a_function_may_be_a_transaction(database: Any, outbox: Outbox) -> None:
    @database.atomic()
    def both() -> None:
        before = left(outbox)
        ayl.send(note, "a")
        assert left(outbox) == before

    both()
    both()
    assert left(outbox) == ["a", "a"]


def test_in_manual_commit_mode_calls_wait_from_begin_to_commit(database: Any, outbox: Outbox) -> None:
    with database.manual_commit():
        ayl.send(note, "a")
        assert left(outbox) == ["a"]
        database.begin()
        ayl.send(note, "b")
        assert left(outbox) == ["a"]
        database.commit()
        assert left(outbox) == ["a", "b"]
        database.begin()
        handle = ayl.send(note, "c")
        database.rollback()
        assert handle.state is State.DROPPED
    assert left(outbox) == ["a", "b"]
