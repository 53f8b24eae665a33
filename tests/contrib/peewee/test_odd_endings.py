"""Transactions of peewee's that end otherwise than they look, and calls that cannot leave at their end."""

# mypy: disable-error-code="no-untyped-call, untyped-decorator"
# Peewee brings types for some of it.

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import peewee
import pytest

import ayl
from ayl import State
from ayl.errors import Refused

from .conftest import closed, is_sqlite
from .models import DATABASE, Order
from .notes import OnPurposeError, left, note, notes

if TYPE_CHECKING:
    from tests.ayl.conftest import Outbox


# Transactions that end otherwise than they look


def test_what_waited_for_a_transaction_that_postgresql_had_aborted_is_dropped(postgresql: Any, outbox: Outbox) -> None:
    with postgresql.atomic():
        Order.create(note="a")
        handle = ayl.send(note, "a")
        with suppress(peewee.PeeweeException):
            postgresql.execute_sql("select 1 / 0")
        ayl.send(note, "b")
    assert notes() == left(outbox) == []
    assert handle.state is State.DROPPED


def test_peewees_own_hook_takes_the_rollback_of_an_aborted_transaction_for_a_commit(postgresql: Any) -> None:
    called: list[str] = []
    with postgresql.atomic():
        postgresql.after_commit(lambda: called.append("rolled back"))
        with suppress(peewee.PeeweeException):
            postgresql.execute_sql("select 1 / 0")
    assert called == ["rolled back"]


def breaking(database: Any) -> None:
    """A write after which SQLite rolls back the whole transaction by itself."""
    first = Order.get()
    Order.insert(id=first.id, note="again").on_conflict("ROLLBACK").execute()


def test_what_waited_for_a_transaction_that_sqlite_rolled_back_is_dropped(sqlite: Any, outbox: Outbox) -> None:
    Order.create(note="first")
    with suppress(peewee.PeeweeException), sqlite.atomic():
        handle = ayl.send(note, "a")
        breaking(sqlite)
    assert handle.state is State.DROPPED
    with sqlite.atomic():
        ayl.send(note, "b")
    assert left(outbox) == ["b"]


def test_peewees_own_hook_keeps_that_for_the_next_transaction(sqlite: Any) -> None:
    called: list[str] = []
    Order.create(note="first")
    with suppress(peewee.PeeweeException), sqlite.atomic():
        sqlite.after_commit(lambda: called.append("rolled back"))
        breaking(sqlite)
    with sqlite.atomic():
        assert called == []
    assert called == ["rolled back"]


@pytest.fixture
def late(database: Any) -> str:
    """A statement whose mistake is found at the commit."""
    if is_sqlite(database):
        database.execute_sql("pragma foreign_keys = on")
    reference = "references late (id) deferrable initially deferred"
    database.execute_sql(f"create table late (id integer primary key, other integer {reference})")
    return "insert into late values (1, 2)"


def test_a_commit_that_fails_sends_nothing(late: str, database: Any, outbox: Outbox) -> None:
    with pytest.raises(peewee.IntegrityError), database.atomic():  # noqa: PT012 - it is the block's end that raises
        database.execute_sql(late)
        handle = ayl.send(note, "a")
    assert handle.state is State.DROPPED
    with database.atomic():
        ayl.send(note, "b")
    assert left(outbox) == ["b"]


def test_a_commit_that_fails_may_leave_the_transaction_open_and_its_calls_waiting(
    late: str, database: Any, outbox: Outbox
) -> None:
    with database.manual_commit():
        database.begin()
        database.execute_sql(late)
        handle = ayl.send(note, "a")
        with pytest.raises(peewee.IntegrityError):
            database.commit()
        if is_sqlite(database):  # PostgreSQL has rolled back
            database.execute_sql("delete from late")
            database.commit()
            assert handle.state is State.SUBMITTED
        else:
            assert handle.state is State.DROPPED


def test_what_waited_for_a_connection_that_is_cut_is_dropped(postgresql: Any, outbox: Outbox) -> None:
    with suppress(peewee.PeeweeException), postgresql.atomic():
        handle = ayl.send(note, "a")
        (pid,) = postgresql.execute_sql("select pg_backend_pid()").fetchone()
        postgresql.execute_sql("select pg_terminate_backend(%s)", (pid,))
    assert handle.state is State.DROPPED
    closed(postgresql)
    with postgresql.atomic():
        ayl.send(note, "b")
    assert left(outbox) == ["b"]


@pytest.mark.parametrize("then", ["begin", "commit", "close"])
def test_a_transaction_that_ended_behind_peewees_back_sends_and_says_so(
    then: str, sqlite: Any, outbox: Outbox, caplog: pytest.LogCaptureFixture
) -> None:
    sqlite.begin()
    ayl.send(note, "a")
    sqlite.execute_sql("commit")
    with suppress(peewee.OperationalError):
        getattr(sqlite, then)()
    assert left(outbox) == ["a"]
    assert "ended unseen" in caplog.text


# Calls that cannot leave


def test_a_refusal_after_the_commit_is_raised_and_the_commit_stands(database: Any, outbox: Outbox) -> None:
    outbox.refuse = lambda number: Refused("no room") if number == 1 else None
    with pytest.raises(Refused, match="no room"), database.atomic():  # noqa: PT012 - it is the block's end that raises
        Order.create(note="a")
        refused, taken = ayl.send(note, "a"), ayl.send(note, "b")
    assert (refused.state, taken.state) == (State.REFUSED, State.SUBMITTED)
    assert notes() == ["a"]
    assert not database.in_transaction()


COMMITS = {
    "the transaction": lambda transaction: transaction.commit(),
    "the database": lambda _transaction: DATABASE.commit(),
}


@pytest.mark.parametrize("whose", COMMITS)
def test_a_refusal_at_a_commit_within_the_block_leaves_peewee_in_order(
    whose: str, database: Any, outbox: Outbox
) -> None:
    outbox.refuse = lambda number: Refused("no room") if number == 1 else None
    with database.atomic() as transaction:
        Order.create(note="a")
        ayl.send(note, "a")
        with pytest.raises(Refused):
            COMMITS[whose](transaction)
        if whose == "the database":
            database.begin()
        Order.create(note="b")
        ayl.send(note, "b")
    assert notes() == ["a", "b"]
    assert [message.args for message in outbox.messages] == [["a"], ["b"]]


def test_a_refusal_is_noted_on_an_error_of_the_apps_own_hook(sqlite: Any, outbox: Outbox) -> None:
    outbox.refuse = lambda _number: Refused("no room")

    def fail() -> None:
        raise OnPurposeError

    # After such an error peewee rolls back what is committed, which SQLite refuses.
    with pytest.raises(peewee.OperationalError) as caught, sqlite.atomic():  # noqa: PT012 - the block's end raises
        sqlite.after_commit(fail)
        handle = ayl.send(note, "a")
    assert caught.value.__notes__ == ["and what waited for the commit could not be sent: no room"]
    assert handle.state is State.REFUSED


def test_a_call_that_runs_in_place_may_use_transactions_and_send(database: Any, inline: None) -> None:
    @ayl.task("peewee.write")
    def write(word: str) -> None:
        with database.atomic():
            Order.create(note=word)
            if word == "a":
                ayl.send(write, "b")

    with database.atomic():
        ayl.send(write, "a")
        assert notes() == []
    assert notes() == ["a", "b"]
