"""Which transaction of peewee's a call waits for, and what becomes of it then."""

# mypy: disable-error-code="no-untyped-call, untyped-decorator"
# Peewee brings types for some of it.

from __future__ import annotations

import gc
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import peewee
import pytest

import ayl
from ayl import State
from ayl.contrib.peewee import transactions
from ayl.errors import Refused

from .conftest import closed, is_sqlite
from .models import DATABASE, MODELS, Order

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.ayl.conftest import Outbox


@ayl.task("peewee.note")
def note(word: str) -> None: ...


class OnPurposeError(Exception):
    """Ends a block of a test."""


def left(outbox: Outbox) -> list[Any]:
    """What has left, in order: the words of notes."""
    return [message.args[0] for message in outbox.messages]


def notes() -> list[str]:
    return sorted(order.note for order in Order.select())


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


# Which database, which thread


@pytest.fixture
def customer(tmp_path: Path) -> Iterator[Any]:
    """One in another database."""
    other = peewee.SqliteDatabase(str(tmp_path / "other.db"))

    @ayl.model("peewee.Customer")
    class Customer(peewee.Model):
        class Meta:
            database = other

        def greet(self, *orders: Any) -> None: ...

    other.create_tables([Customer])
    yield Customer.create()
    closed(other)


def test_named_instances_decide_whose_commit_is_waited_for(sqlite: Any, customer: Any, outbox: Outbox) -> None:
    order = Order.create()
    with sqlite.atomic():
        with customer._meta.database.atomic():
            ayl.send(order.ship)
            ayl.send(customer.greet)
            assert outbox.messages == []
        assert [message.do for message in outbox.messages] == ["greet"]
    assert [message.do for message in outbox.messages] == ["greet", "ship"]


@pytest.mark.parametrize("named", [True, False], ids=["named", "not named"])
def test_a_call_that_concerns_two_databases_waits_for_both(
    named: bool, sqlite: Any, customer: Any, outbox: Outbox
) -> None:
    order = Order.create()
    with suppress(OnPurposeError), sqlite.atomic():
        with customer._meta.database.atomic():
            handle = ayl.send(customer.greet, order) if named else ayl.send(note, "a")
        assert outbox.messages == []
        raise OnPurposeError
    assert handle.state is State.DROPPED
    with sqlite.atomic():
        with customer._meta.database.atomic():
            handle = ayl.send(customer.greet, order) if named else ayl.send(note, "a")
        assert outbox.messages == []
    assert handle.state is State.SUBMITTED


def test_a_model_that_is_registered_between_two_calls_counts_for_the_second(
    sqlite: Any, outbox: Outbox, request: pytest.FixtureRequest
) -> None:
    ayl.send(note, "a")
    with request.getfixturevalue("customer")._meta.database.atomic():
        ayl.send(note, "b")
        assert left(outbox) == ["a"]
    assert left(outbox) == ["a", "b"]


def test_a_transaction_of_another_thread_is_not_waited_for(database: Any, outbox: Outbox) -> None:
    def other() -> None:
        ayl.send(note, "b")
        closed(database)

    with database.atomic():
        ayl.send(note, "a")
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
        assert left(outbox) == ["b"]
    assert left(outbox) == ["b", "a"]


def test_a_database_that_a_thread_bound_for_a_while_is_the_one_that_counts(
    sqlite: Any, tmp_path: Path, outbox: Outbox
) -> None:
    other = peewee.SqliteDatabase(str(tmp_path / "other.db"))
    with other.bind_ctx(MODELS):
        other.create_tables(MODELS)
        with other.atomic():
            ayl.send(Order.create().ship)
            assert outbox.messages == []
        assert len(outbox.messages) == 1
        closed(other)


def test_a_connection_that_is_given_up_drops_what_waited_for_it(sqlite: Any, outbox: Outbox) -> None:
    sqlite.session_start()
    handle = ayl.send(note, "a")
    connection = sqlite.connection()
    sqlite.dispose()
    connection.close()
    assert handle.state is State.DROPPED
    gc.collect()


def test_a_savepoint_that_began_before_we_were_there_takes_all_that_waits(sqlite: Any, outbox: Outbox) -> None:
    with sqlite.atomic():
        with suppress(OnPurposeError), sqlite.atomic() as savepoint:
            del vars(savepoint)[transactions.MARK]
            ayl.send(note, "a")
            raise OnPurposeError
        ayl.send(note, "b")
    assert left(outbox) == ["b"]


def test_a_driver_that_does_not_say_is_asked_no_more(
    sqlite: Any, outbox: Outbox, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(transactions, "_status", lambda _database: None)
    with sqlite.atomic():
        ayl.send(note, "a")
        with suppress(OnPurposeError), sqlite.atomic():
            ayl.send(note, "b")
            raise OnPurposeError
        assert left(outbox) == []
    assert left(outbox) == ["a"]
    with sqlite.manual_commit():
        ayl.send(note, "c")
    assert left(outbox) == ["a", "c"]
    assert "no transaction can be seen: sent at once" in caplog.text


@pytest.mark.parametrize("method", ["commit", "rollback"])
def test_a_database_may_have_methods_of_its_own(method: str, tmp_path: Path, outbox: Outbox) -> None:
    class Own(peewee.SqliteDatabase):
        """As some drivers' are: with SQL of its own."""

        def commit(self) -> None:
            self.execute_sql("commit")

        def rollback(self) -> None:
            self.execute_sql("rollback")

    database = Own(str(tmp_path / "own.db"))
    database.connect()
    with Order.bind_ctx(database), database.manual_commit():
        database.begin()
        handle = ayl.send(note, "a")
        getattr(database, method)()
        assert handle.state is (State.SUBMITTED if method == "commit" else State.DROPPED)
    closed(database)


def test_a_peewee_that_is_not_known_is_left_alone(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    watchers: list[Any] = []
    monkeypatch.setattr(transactions, "WATCHERS", watchers)
    monkeypatch.delattr(peewee._savepoint, "_begin")
    before = peewee._savepoint.commit
    transactions.follow()
    assert not watchers
    assert peewee._savepoint.commit is before
    assert "calls do not wait for its commits" in caplog.text
