"""Sends within `transaction.atomic()` leave when it commits, in their order, and are dropped when it is rolled back."""

# mypy: disable-error-code="import-untyped, misc"
# Django brings no types, so its classes cannot be checked either.

from __future__ import annotations

import asyncio
import threading
import unittest
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import pytest
from asgiref.sync import sync_to_async
from django.core.handlers.base import BaseHandler
from django.db import DatabaseError, IntegrityError, connection, connections, transaction
from django.db.transaction import atomic
from django.test import TestCase, TransactionTestCase

import ayl
from ayl import State
from ayl.errors import CannotSend, Refused, Unreachable

from .market.models import Line, Order, Room

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.ayl.conftest import Outbox

database = pytest.mark.usefixtures("database")
sqlite = pytest.mark.usefixtures("sqlite")


@ayl.task("market.note")
def note(word: object) -> None: ...


class Undo(Exception):
    """Rolls a block back."""


@contextmanager
def undone(alias: str = "default", *, savepoint: bool = True) -> Iterator[None]:
    """An atomic block that is rolled back at its end."""
    with suppress(Undo), atomic(alias, savepoint=savepoint):
        yield
        raise Undo


def words(outbox: Outbox) -> list[Any]:
    return [message.args[0] for message in outbox.messages]


def send(word: object) -> ayl.Handle:
    return ayl.send(note, word)


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


@database
def test_what_a_callback_of_one_s_own_sends_comes_after_what_the_transaction_sent(outbox: Outbox) -> None:
    with atomic():
        send(1)
        transaction.on_commit(lambda: send(3))
        send(2)
    assert words(outbox) == [1, 2, 3]


@database
def test_a_callback_that_fails_does_not_keep_back_what_was_sent_before_it_or_after(outbox: Outbox) -> None:
    def fail() -> None:
        raise Undo

    with suppress(Undo), atomic():
        send(1)
        transaction.on_commit(fail)
        send(2)
    assert words(outbox) == [1, 2]


@database
def test_a_callback_that_fails_before_them_does_not_keep_back_what_was_sent(outbox: Outbox) -> None:
    def fail() -> None:
        raise Undo

    def write() -> None:
        with atomic():
            transaction.on_commit(fail)
            handles.extend([send(1), send(2)])

    handles: list[ayl.Handle] = []
    with pytest.raises(Undo) as caught:
        write()
    assert [words(outbox), len(outbox.writes)] == [[1, 2], 1]
    outbox.refuse = lambda _number: Refused("full")
    with pytest.raises(Undo) as caught:
        write()
    assert caught.value.__notes__ == ["and what waited for the commit could not be sent: full"]
    assert [handle.state for handle in handles] == [State.SUBMITTED] * 2 + [State.REFUSED] * 2


@database
def test_a_refusal_makes_django_forget_no_callback_of_one_s_own(outbox: Outbox) -> None:
    outbox.refuse = lambda _number: Refused("full")
    called: list[int] = []

    def write() -> None:
        with atomic():
            transaction.on_commit(lambda: called.append(1))
            send(1)
            transaction.on_commit(lambda: called.append(2))

    with pytest.raises(Refused, match="full"):
        write()
    assert called == [1, 2]


@database
def test_callbacks_that_are_to_be_called_within_a_block_stay_django_s_affair(outbox: Outbox) -> None:
    with undone():
        handle = send(1)
        with pytest.raises(transaction.TransactionManagementError):
            connection.run_and_clear_commit_hooks()
        states = [handle.state]
    assert [*states, handle.state] == [State.UNCOMMITTED, State.DROPPED]


@database
def test_a_refusal_is_raised_to_who_commits_when_all_were_tried(outbox: Outbox) -> None:
    outbox.refuse = lambda number: Refused("full") if number == 1 else None
    handles: list[ayl.Handle] = []

    def write() -> None:
        with atomic():
            Order.objects.create()
            handles.extend([send(1), send(2)])

    with pytest.raises(Refused, match="full"):
        write()
    assert words(outbox) == [1, 2]
    assert [handle.state for handle in handles] == [State.REFUSED, State.SUBMITTED]
    assert Order.objects.count() == 1, "the commit stands"


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


# Several databases


@sqlite
def test_the_transaction_of_the_named_objects_database_decides(outbox: Outbox) -> None:
    here, there = Order.objects.create(), Order.objects.using("archive").create()
    with atomic():
        with atomic("archive"):
            here.ayl_send("ship", 1)
            there.ayl_send("ship", 2)
        assert words(outbox) == [2]
    assert words(outbox) == [2, 1]


@sqlite
def test_arguments_decide_as_receivers_do(outbox: Outbox) -> None:
    there = Order.objects.using("archive").create()
    with atomic(), atomic("archive"):
        ayl.send(note, {"order": [there]})
        with undone("archive"):
            ayl.send(note, there)
    assert len(outbox.messages) == 1


@sqlite
def test_a_call_that_names_objects_of_two_databases_waits_for_both(outbox: Outbox) -> None:
    here, there = Order.objects.create(), Order.objects.using("archive").create()
    with atomic():
        with atomic("archive"):
            first = here.ayl_send("ship", there)
        with undone("archive"):
            second = here.ayl_send("ship", there)
        assert not outbox.writes
    assert (first.state, second.state) == (State.SUBMITTED, State.DROPPED)
    assert len(outbox.messages) == 1


@sqlite
def test_what_names_no_object_of_a_transaction_waits_for_the_one_that_is_open(outbox: Outbox) -> None:
    there = Order.objects.using("archive").create()
    with atomic():
        send(1)
        there.ayl_send("ship", 2)
        with atomic("archive"):
            send(3)
        assert not outbox.writes
    with atomic("archive"):
        send(4)
        assert words(outbox) == [1, 2, 3]
    assert words(outbox) == [1, 2, 3, 4]


@sqlite
def test_an_object_read_from_a_mirror_waits_for_what_it_mirrors(outbox: Outbox) -> None:
    Order.objects.create()
    order = Order.objects.using("replica").get()
    there = Order.objects.using("archive").create()
    with undone():
        with atomic("archive"):
            there.ayl_send("ship", order)
        order.ayl_send("ship", 1)
    assert not outbox.writes


# Threads and tasks


@sqlite
def test_a_transaction_of_another_thread_holds_nothing_back(outbox: Outbox) -> None:
    with atomic():
        thread = threading.Thread(target=send, args=[1])
        thread.start()
        thread.join()
        assert words(outbox) == [1]


@sqlite
def test_the_first_send_of_a_thread_sees_a_transaction_that_was_open_before(outbox: Outbox) -> None:
    def write() -> None:
        with atomic():
            Order.objects.create()
            send(1)
            assert not outbox.writes
            connection.set_rollback(True)
        send(2)
        connection.close()
        with atomic():
            send(3)
            assert words(outbox) == [2], "nor is a new connection missed"
        connection.close()

    with ThreadPoolExecutor(1) as thread:
        thread.submit(write).result()
    assert words(outbox) == [2, 3]


@sqlite
def test_a_connection_that_django_has_forgotten_holds_nothing_back(outbox: Outbox) -> None:
    with atomic():
        forgotten = connections["default"]
        del connections["default"]
        send(1)
        assert words(outbox) == [1]
        connections["default"] = forgotten
        send(2)
        assert words(outbox) == [1]


@sqlite
def test_a_coroutine_s_transaction_is_that_of_its_thread(outbox: Outbox) -> None:
    def write() -> ayl.Handle:
        with atomic():
            handle: ayl.Handle = Order.objects.create().ayl_send("ship", 2)
            assert handle.state is State.UNCOMMITTED
        return handle

    async def main() -> None:
        await ayl.asend(note, 1)
        handle = await sync_to_async(write)()
        assert handle.state is State.SUBMITTED
        ayl.send(note, 3)

    asyncio.run(main())
    assert words(outbox) == [1, 2, 3]


# Autocommit turned off


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


# Django's own tests


def run(case: type[TestCase]) -> None:
    """Run the method `runTest` of a test case as Django's runner does."""
    result = unittest.TestSuite([case("test")]).run(unittest.TestResult())
    assert result.wasSuccessful(), [*result.errors, *result.failures]


@database
def test_in_a_testcase_nothing_commits_unless_the_test_says_so(outbox: Outbox) -> None:
    class Case(TestCase):
        def test(self) -> None:
            order = Order.objects.create()
            before = order.ayl_send("ship", 0)
            with self.captureOnCommitCallbacks(execute=True), atomic():
                order.ayl_send("ship", 1)
                with undone():
                    order.ayl_send("ship", 2)
                order.ayl_send("ship", 3)
                assert not outbox.writes
            assert words(outbox) == [1, 3]
            with self.captureOnCommitCallbacks() as callbacks:
                order.ayl_send("ship", 4)
            assert words(outbox) == [1, 3]
            (callback,) = callbacks
            callback()
            callback()
            assert words(outbox) == [1, 3, 4]
            ayl.opts(after_commit=False).send(note, 5)
            Case.before = before

    run(Case)
    assert words(outbox) == [1, 3, 4, 5]
    assert Case.before.state is State.DROPPED
    with atomic():
        send(6)
    assert words(outbox) == [1, 3, 4, 5, 6]


@sqlite
def test_a_refusal_in_a_testcase_is_raised_where_it_plays_the_commit(outbox: Outbox) -> None:
    outbox.refuse = lambda _number: Refused("full")

    class Case(TestCase):
        def test(self) -> None:
            with pytest.raises(Refused), self.captureOnCommitCallbacks(execute=True):
                send(1)

    run(Case)


@sqlite
def test_a_transactiontestcase_commits(outbox: Outbox) -> None:
    class Case(TransactionTestCase):
        databases = {"default"}  # noqa: RUF012 - Django's way

        def test(self) -> None:
            with atomic():
                send(1)
            assert words(outbox) == [1]

    run(Case)


@sqlite
def test_no_connection_is_made_for_a_send(outbox: Outbox) -> None:
    for alias in connections:
        connections[alias].close()
    send(1)
    assert [connections[alias].connection for alias in connections] == [None] * 3
