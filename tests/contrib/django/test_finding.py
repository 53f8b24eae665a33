"""A worker finds instances again: fresh, unscoped, in few queries; gone, impossible and unavailable are told apart."""

# mypy: disable-error-code="import-untyped"
# Django brings no types.

from __future__ import annotations

import uuid
from contextlib import suppress
from typing import Any

import pytest
from django.db import IntegrityError, connection, connections
from django.db.transaction import atomic, set_rollback
from django.test.utils import CaptureQueriesContext

import ayl
from ayl import calling, values
from ayl.errors import CannotRun, Gone, Unavailable
from tests.ayl.conftest import written

from .market.models import Gift, Line, Order, Pair, Room, Shown, Tag, Ticket, Urgent

pytestmark = pytest.mark.usefixtures("inline")

sqlite = pytest.mark.usefixtures("sqlite")
database = pytest.mark.usefixtures("database")
on_postgres = pytest.mark.usefixtures("on_postgres")


def called() -> tuple[Any, ...]:
    """The one call: its receiver and arguments, all found again."""
    (call,) = Shown.calls
    return call


def ask(name: str, key: Any, *others: Any) -> None:
    """What a worker does with a message that names this key and others."""
    calling.perform(written(on={"$ref": [name, key]}, do="ship", args=[{"$ref": [name, other]} for other in others]))


@database
def test_every_kind_of_key_finds_its_instance_again() -> None:
    order = Order.objects.create(note="socks")
    for saved in (
        order,
        Urgent.objects.get(),
        Gift.objects.create(wrapping="paper"),
        Line.objects.create(order=order, number=3),
        Pair.objects.create(left="@archive", right=1),
        Ticket.objects.create(),
        Room.objects.create(name=Room.Kind.SINGLE),
        Order.objects.using("archive").create(note="shoes"),
    ):
        Shown.calls.clear()
        saved.ayl_send("ship")
        (found,) = called()
        assert found == saved
        assert found is not saved
        assert type(found) is type(saved)
        assert found._state.db == saved._state.db


@sqlite
def test_the_instance_is_found_as_it_is_now() -> None:
    order = Order.objects.create(note="socks")
    Order.objects.update(note="shoes")
    order.ayl_send("ship")
    assert called()[0].note == "shoes"


@sqlite
def test_a_default_manager_hides_nothing_from_workers() -> None:
    order = Order.objects.create(cancelled=True)
    assert not Order.objects.exists()
    order.ayl_send("ship")
    assert called() == (order,)


@sqlite
def test_a_key_means_another_instance_in_another_database() -> None:
    Order.objects.create(id=42, note="here")
    Order.objects.using("archive").create(id=42, note="there").ayl_send("ship")
    assert called()[0].note == "there"


@sqlite
def test_a_key_that_was_given_as_text_finds_the_number() -> None:
    Order(id="42").save()
    ask("market.Order", "42")
    assert called()[0].id == 42


@sqlite
def test_a_key_that_the_database_spells_otherwise_finds_its_instances() -> None:
    for name in ("ab", "cd"):
        Tag.objects.create(name=name)
    ask("market.Tag", "AB", "cd", "CD")
    assert [tag.name for tag in called()] == ["ab", "cd", "cd"]


# Many at once


@database
def test_instances_of_a_class_are_found_in_one_query_for_each_database() -> None:
    here = [Order.objects.create() for _ in range(5)]
    there = [Order.objects.using("archive").create() for _ in range(3)]
    with (
        CaptureQueriesContext(connection) as queries,
        CaptureQueriesContext(connections["archive"]) as others,
    ):
        here[0].ayl_send("ship", *here, *there, *reversed(here))
    assert (len(queries), len(others)) == (1, 1)
    found = called()
    assert [*found] == [here[0], *here, *there, *reversed(here)]
    assert [order._state.db for order in found] == ["default"] * 6 + ["archive"] * 3 + ["default"] * 5


@database
def test_instances_with_composite_keys_are_found_in_one_query_too() -> None:
    order = Order.objects.create()
    lines = [Line.objects.create(order=order, number=number) for number in range(5)]
    with CaptureQueriesContext(connection) as queries:
        lines[0].ayl_send("ship", *lines[1:])
    assert len(queries) == 1
    assert [*called()] == lines


@pytest.mark.parametrize(("kind", "queries"), [("market.Order", 3), ("market.Line", 5)])
@sqlite
def test_more_keys_than_a_query_takes_are_asked_for_in_turns(kind: str, queries: int) -> None:
    order = Order.objects.create(id=1)
    Order.objects.bulk_create(Order(id=key) for key in range(2, 1201))
    Line.objects.bulk_create(Line(order=order, number=number) for number in range(1, 1201))
    keys = [key if kind == "market.Order" else {"$t": ["tuple", [1, key]]} for key in range(1, 1201)]
    with CaptureQueriesContext(connection) as captured:
        ask(kind, *keys)
    assert len(captured) == queries
    last = called()[-1]
    assert (last.pk if kind == "market.Order" else last.number) == 1200


# Gone


@database
def test_an_instance_that_was_deleted_before_the_call_is_gone() -> None:
    order, other, line = Order.objects.create(id=42), Order.objects.create(), Order.objects.create()
    Line.objects.create(order=line, number=1)
    Order.objects.filter(id=42).delete()
    with pytest.raises(Gone, match=r"^market\.Order 42 exists no more$"):
        order.ayl_send("ship")
    with pytest.raises(Gone, match=r"^market\.Order 42 exists no more$"):
        other.ayl_send("ship", [line, order])
    with pytest.raises(Gone, match=r"^market\.Line \(7, 7\) exists no more$"):
        ask("market.Line", {"$t": ["tuple", [7, 7]]})
    assert not Shown.calls


@sqlite
def test_an_instance_whose_transaction_was_rolled_back_is_gone() -> None:
    with atomic():
        ticket = Ticket.objects.create()
        set_rollback(True)
    with pytest.raises(Gone, match=r"^market\.Ticket UUID\('.*'\) exists no more$"):
        ticket.ayl_send("ship")


# Impossible

IMPOSSIBLE: list[tuple[str, Any, str]] = [
    ("market.Order", "socks", r"can have the key 'socks': "),
    ("market.Order", 5.7, r"can have the key 5\.7: id would be 5"),
    ("market.Order", True, r"can have the key True: a bool"),
    ("market.Order", None, r"can have the key None: a NoneType"),
    ("market.Order", [42], r"can have the key \[42\]: a list"),
    ("market.Order", {"id": 42}, r"can have the key \{'id': 42\}: a dict"),
    ("market.Order", {"$t": ["tuple", [42, 1]]}, r"can have the key \(42, 1\): a tuple"),
    ("market.Room", {"$t": ["bytes", "YWI="]}, r"can have the key b'ab': name would be \"b'ab'\""),
    ("market.Ticket", "socks", r"can have the key 'socks': "),
    ("market.Line", 42, r"can have the key 42: its key has 2 parts"),
    ("market.Line", {"$t": ["tuple", [42]]}, r"can have the key \(42,\): its key has 2 parts"),
    ("market.Line", {"$t": ["tuple", [42, "red"]]}, r"can have the key 'red': "),
]


@pytest.mark.parametrize(("name", "key", "why"), IMPOSSIBLE)
@sqlite
def test_a_key_that_no_instance_can_have_can_never_run(name: str, key: Any, why: str) -> None:
    with CaptureQueriesContext(connection) as queries, pytest.raises(CannotRun, match=why) as caught:
        ask(name, key)
    assert not isinstance(caught.value, Gone)
    with pytest.raises(CannotRun, match=why):
        ask(name, key, key)
    assert not queries.captured_queries


@pytest.mark.parametrize("text", ["nul\0", "half \ud800"])
@on_postgres
def test_text_that_the_database_cannot_hold_is_no_key(text: str) -> None:
    Room.objects.create(name="single")
    for others in ((), ("single",)):
        with pytest.raises(CannotRun, match=r"no market\.Room can have the key '(nul\\x00|half \\ud800)': "):
            ask("market.Room", text, *others)
    ask("market.Room", "single")
    assert called()[0].name == "single", "the connection goes on"


@pytest.mark.parametrize("others", [(), (1, 2)])
@database
def test_a_number_that_the_database_cannot_hold_is_nobody_s_key(others: tuple[int, ...]) -> None:
    for number in (1, 2):
        Order.objects.create(id=number)
    with pytest.raises(CannotRun, match=r"market\.Order 9000000000000000000000 exists no more"):
        ask("market.Order", values.encode(9 * 10**21, "the key", lambda _: None), *others)


@sqlite
def test_a_database_that_this_worker_does_not_know_can_never_be_asked() -> None:
    with pytest.raises(CannotRun, match=r"^market\.Order 42 is in the database 'attic', and DATABASES has none$"):
        ask("market.Order", {"$t": ["tuple", ["@attic", 42]]})


@sqlite
def test_an_abstract_model_has_no_instances() -> None:
    ayl.model("market.Shown")(Shown)
    with pytest.raises(CannotRun, match=r"^market\.Shown is an abstract model, of which there are no instances$"):
        ask("market.Shown", 42)


# Unavailable


@sqlite
def test_a_table_that_is_not_there_yet_may_come() -> None:
    order = Order.objects.create(id=42)
    with connection.schema_editor() as editor:
        editor.delete_model(Ticket)
    with pytest.raises(Unavailable, match=r"market\.Ticket UUID\('.*'\) cannot be looked for: .*no such table"):
        ask("market.Ticket", {"$t": ["UUID", str(uuid.uuid4())]})
    order.ayl_send("ship")
    with connection.schema_editor() as editor:
        editor.create_model(Ticket)


@database
def test_in_a_transaction_that_is_broken_nothing_can_be_looked_for() -> None:
    order = Order.objects.create()
    Room.objects.create(name="single")
    with atomic():
        with suppress(IntegrityError):
            Room.objects.create(name="single")
        for others in ((), (order,)):
            with pytest.raises(Unavailable, match=r"TransactionManagementError: An error occurred in the current"):
                ayl.opts(after_commit=False).ayl_send(order, "ship", *others)
    order.ayl_send("ship")
    assert called() == (order,)


@on_postgres
def test_a_database_that_is_down_is_unavailable() -> None:
    order = Order.objects.create(id=42)
    connection.close()
    host = connection.settings_dict["HOST"]
    connection.settings_dict["HOST"] = "/nowhere"
    try:
        with pytest.raises(Unavailable, match=r"^market\.Order 42 cannot be looked for: OperationalError: connection"):
            order.ayl_send("ship")
        with pytest.raises(Unavailable, match=r"^market\.Order 42, 43 cannot be looked for: OperationalError"):
            ask("market.Order", 42, 43)
    finally:
        connection.settings_dict["HOST"] = host
    order.ayl_send("ship")
    assert called() == (order,)
