"""Which transaction a call waits for: of several databases, threads and coroutines."""

# mypy: disable-error-code="import-untyped"
# Django brings no types.

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from asgiref.sync import sync_to_async
from django.db import connection, connections
from django.db.transaction import atomic

import ayl
from ayl import State

from .commits import note, send, sqlite, undone, words
from .market.models import Order

if TYPE_CHECKING:
    from tests.ayl.conftest import Outbox


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


@sqlite
def test_no_connection_is_made_for_a_send(outbox: Outbox) -> None:
    for alias in connections:
        connections[alias].close()
    send(1)
    assert [connections[alias].connection for alias in connections] == [None] * 3
