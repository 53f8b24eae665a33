"""Around the calls of a worker: connections are tidied; calls in place and coroutines find what they need."""

# mypy: disable-error-code="import-untyped"
# Django brings no types.

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, connections
from django.db.transaction import atomic
from django.test import override_settings

import ayl
from ayl.errors import Unavailable
from ayl.frameworks import around_job

from .market.models import Order, Shown

database = pytest.mark.usefixtures("database")
sqlite = pytest.mark.usefixtures("sqlite")


def connected() -> bool:
    return connection.connection is not None


def keep_connections() -> None:
    """From now on."""
    connection.close()
    connection.settings_dict["CONN_MAX_AGE"] = None


@database
def test_a_connection_is_closed_before_and_after_a_job_once_it_is_too_old() -> None:
    Order.objects.create()
    with around_job():
        assert not connected()
        Order.objects.create()
        assert connected()
    assert not connected()


@database
def test_a_connection_may_be_kept_between_jobs() -> None:
    keep_connections()
    Order.objects.create()
    with around_job():
        Order.objects.create()
    assert connected()


@sqlite
def test_the_queries_of_one_job_are_not_remembered_for_the_next() -> None:
    keep_connections()
    with override_settings(DEBUG=True):
        Order.objects.exists()
        with around_job():
            assert len(connection.queries_log) == 0
            Order.objects.exists()
        assert len(connection.queries_log) == 0


@database
def test_a_transaction_that_is_open_around_a_job_survives_it() -> None:
    with atomic():
        Order.objects.create()
        with around_job():
            Order.objects.create()
    assert Order.objects.count() == 2


@database
@pytest.mark.usefixtures("inline")
def test_calls_in_place_leave_the_connections_of_who_sends_alone() -> None:
    for _ in range(300):
        Order.objects.create()
    for order in Order.objects.iterator(chunk_size=100):
        order.ayl_send("rename", "seen")
    assert {order.note for order in Order.objects.all()} == {"seen"}


@database
@pytest.mark.usefixtures("inline")
def test_a_call_has_no_transaction_around_it_unless_it_makes_one() -> None:
    order = Order.objects.create(note="new")
    with pytest.raises(LookupError):
        order.ayl_send("rename_and_fail", "half")
    assert Order.objects.get().note == "half"
    with pytest.raises(LookupError):
        order.ayl_send("rename_and_fail_whole", "whole")
    assert Order.objects.get().note == "half"


@database
@pytest.mark.usefixtures("inline")
def test_a_coroutine_method_has_its_object_found_before_the_loop_runs() -> None:
    order = Order.objects.create(note="socks")
    order.ayl_send("rename_later", "shoes")
    assert Order.objects.get().note == "shoes"


@sqlite
@pytest.mark.usefixtures("inline")
def test_in_place_within_a_coroutine_asend_finds_objects_and_send_says_why_not() -> None:
    order = Order.objects.create()

    async def main() -> None:
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
        with pytest.raises(Unavailable, match=r"SynchronousOnlyOperation: You cannot call this from an async context"):
            ayl.send(order.ship, "ups")
        await ayl.asend(order.ship, "ups")
        await asyncio.to_thread(connections.close_all)  # those of the thread that made the call

    asyncio.run(main())
    assert Shown.calls == [(order, "ups")]
