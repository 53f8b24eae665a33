"""Which of several transactions of peewee's a call waits for: which database's, which thread's."""

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

from .conftest import closed
from .models import MODELS, Order
from .notes import OnPurposeError, left, note

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.ayl.conftest import Outbox


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
