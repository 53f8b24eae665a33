"""How a job finds its instances again, and what becomes of connections around it."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from datetime import date
from typing import TYPE_CHECKING, Any

import peewee
import pytest

import ayl
from ayl.calling import perform
from ayl.errors import CannotRun, Gone, NotConfigured, Unavailable
from ayl.frameworks import around_job
from ayl.references import Finding, find, find_ahead
from tests.ayl.conftest import written

from .conftest import closed
from .models import DATABASE, MODELS, SEEN, Bill, Day, Line, Order, Parcel

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.postgres import Postgres


def found(name: str, *keys: Any) -> list[Any]:
    """As a worker finds what a message names."""
    references = [[name, key] for key in keys]
    with Finding():
        if len(references) > 1:
            find_ahead(references)
        return [find(parts) for parts in references]


@contextmanager
def asked(database: Any) -> Iterator[list[str]]:
    """What the database is asked within the span."""
    queries: list[str] = []
    database.query_hooks.append(lambda event: queries.append(event.sql))
    yield queries
    database.query_hooks.clear()


def test_each_kind_of_key_is_found_again(database: Any) -> None:
    order = Order.create(note="socks")
    parcel = Parcel.create(note="p")
    Line.create(order=order, number=2, note="l")
    Bill.create(order=order, note="b")
    Day.create(date=date(2026, 11, 21), note="d")
    assert found("peewee.Order", order.id)[0].note == "socks"
    assert found("peewee.Parcel", parcel.code)[0].note == "p"
    assert found("peewee.Line", (order.id, 2))[0].note == "l"
    assert found("peewee.Bill", order.id)[0].note == "b"
    assert found("peewee.Day", date(2026, 11, 21))[0].note == "d"


def test_an_instance_is_found_fresh(sqlite: Any, inline: None) -> None:
    order = Order.create(note="socks")
    Order.update(note="shoes").execute()
    ayl.send(order.ship, "ups")
    assert [("Order", order.id, "shoes", "ups")] == SEEN


def test_an_instance_is_found_that_its_own_class_would_not_select(sqlite: Any) -> None:
    order = Order.create(note="hidden")
    assert list(Order.select()) == []
    assert found("peewee.Order", order.id)[0].note == "hidden"


@pytest.mark.parametrize("number", [2, 50])
def test_several_of_a_kind_are_found_in_one_query_and_in_order(number: int, database: Any) -> None:
    ids = [Order.create(note=f"n{number}").id for number in range(number)][::-1]
    with asked(database) as queries:
        orders = found("peewee.Order", *ids)
    assert [order.id for order in orders] == ids
    assert len(queries) == 1


@pytest.mark.parametrize("number", [3, 250])
def test_several_with_composite_keys_are_found_together(number: int, database: Any) -> None:
    order = Order.create()
    keys = [(order.id, index) for index in range(number)]
    Line.insert_many([(order.id, index) for index in range(number)], [Line.order, Line.number]).execute()
    with asked(database) as queries:
        lines = found("peewee.Line", *keys)
    assert [line._pk for line in lines] == keys
    assert len(queries) == -(-number // 100)


def test_a_key_of_another_type_finds_its_row_together_with_others(database: Any) -> None:
    order, other = Order.create(), Order.create()
    code = Parcel.create().code
    assert found("peewee.Order", str(order.id), other.id) == [order, other]
    assert [parcel.code for parcel in found("peewee.Parcel", str(code), code)] == [code, code]


class Caseless(peewee.CharField):
    def ddl_datatype(self, ctx: Any) -> Any:
        return peewee.SQL("VARCHAR(9) COLLATE NOCASE")


def test_keys_that_only_the_database_holds_for_equal_are_found_too(sqlite: Any) -> None:
    @ayl.model("peewee.Town")
    class Town(peewee.Model):
        name = Caseless(primary_key=True)

        class Meta:
            database = sqlite

    sqlite.create_tables([Town])
    Town.create(name="Bonn")
    Town.create(name="Ulm")
    assert [town.name for town in found("peewee.Town", "bonn", "Ulm", "BONN")] == ["Bonn", "Ulm", "Bonn"]


def test_one_that_was_deleted_is_gone_and_the_others_are_there(database: Any) -> None:
    order, other = Order.create(), Order.create()
    other.delete_instance()
    with pytest.raises(Gone, match=rf"^peewee\.Order {other.id} exists no more$"):
        found("peewee.Order", order.id, other.id)


IMPOSSIBLE = {
    "text for a number": ("peewee.Order", "x", r"^no peewee\.Order can have the key 'x': "),
    "nothing": ("peewee.Order", None, r"^no peewee\.Order can have the key None: id is not None$"),
    "a list": ("peewee.Order", [1], r"id is not \[1\]$"),
    "a dict": ("peewee.Order", {"id": 1}, "id is not"),
    "an instance": ("peewee.Order", Order(id=1), "id is not"),
    "a class": ("peewee.Order", Order, "id is not"),
    "no UUID": ("peewee.Parcel", "no", r"^no peewee\.Parcel can have the key 'no'"),
    "half a composite key": ("peewee.Line", (1,), r"^a key of peewee\.Line has 2 parts, order, number; not \(1,\)$"),
    "no composite key at all": ("peewee.Line", 1, "has 2 parts"),
    "a composite key with a hole": ("peewee.Line", (1, None), r"number is not None$"),
    "a composite key within one": ("peewee.Line", (1, (2, 3)), "number is not"),
    "a key of what has none": ("peewee.Remark", 1, "has no primary key, so no row can be named"),
}


@pytest.mark.parametrize("what", IMPOSSIBLE)
def test_a_key_that_no_row_can_have_can_never_run(what: str, database: Any) -> None:
    name, key, text = IMPOSSIBLE[what]
    with asked(database) as queries, pytest.raises(CannotRun, match=text) as caught:
        found(name, key)
    assert queries == []
    assert not isinstance(caught.value, Gone)


def test_a_number_that_sqlite_cannot_hold_can_never_run(sqlite: Any) -> None:
    with pytest.raises(CannotRun, match=r"^no peewee\.Order can have the key 1{30}: .*too large"):
        found("peewee.Order", int("1" * 30))


def test_text_that_postgresql_cannot_hold_can_never_run(postgresql: Any) -> None:
    @ayl.model("peewee.Place")
    class Place(peewee.Model):
        name = peewee.CharField(primary_key=True)

        class Meta:
            database = postgresql

    postgresql.create_tables([Place])
    with pytest.raises(CannotRun, match=r"^no peewee\.Place can have the key 'a\\x00b'"):
        found("peewee.Place", "a\0b")


# Databases that do not answer


def test_a_table_that_is_not_there_yet_is_a_matter_of_time(database: Any) -> None:
    database.drop_tables([Day])
    with pytest.raises(Unavailable, match=r"^peewee\.Day .* cannot be looked for: (Operational|Programming)Error"):
        found("peewee.Day", date(2026, 11, 21))


def test_a_file_that_cannot_be_opened_is_a_matter_of_time(sqlite: Any, tmp_path: Path) -> None:
    elsewhere = peewee.SqliteDatabase(str(tmp_path / "no" / "such.db"))
    with Order.bind_ctx(elsewhere), pytest.raises(Unavailable, match="unable to open database file"):
        found("peewee.Order", 1)


def test_a_model_without_a_database_is_told_how_to_get_one(inline: None) -> None:
    assert DATABASE.obj is None
    with pytest.raises(
        NotConfigured, match=r"^the model peewee\.Order has no database here; in the module that the wor"
    ):
        found("peewee.Order", 1)


def test_after_a_restart_of_the_server_jobs_find_their_objects_again(postgres: Postgres) -> None:
    place: dict[str, Any] = {**postgres.fresh()}
    database = peewee.PostgresqlDatabase(place.pop("dbname"), **place)
    DATABASE.initialize(database)
    database.create_tables(MODELS)
    order = Order.create()
    assert not database.is_closed(), "left open by what autoconnected"
    postgres.restart()
    with pytest.raises(Unavailable, match="cannot be looked for"):
        found("peewee.Order", order.id)
    assert found("peewee.Order", order.id) == [order]
    assert database.is_closed()
    DATABASE.initialize(None)


# Connections


def in_a_thread(function: Any, *args: Any) -> None:
    """As in a worker: with no connection open."""
    raised: list[BaseException] = []

    def run() -> None:
        try:
            function(*args)
        except BaseException as error:  # noqa: BLE001 - raised again below
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if raised:
        raise raised[0]


@ayl.model("peewee.Probe")
class Probe(peewee.Model):
    class Meta:
        database = DATABASE
        table_name = "order"

    def look(self) -> None:
        SEEN.append((DATABASE.is_closed(), DATABASE.in_transaction()))

    def fail(self) -> None:
        Order.create(note="written by the call")
        raise RuntimeError("on purpose")

    def forget(self) -> None:
        DATABASE.session_start()
        Order.create(note="never committed")
        ayl.send(Order.get().ship)


@pytest.fixture
def probe(sqlite: Any) -> int:
    """The key of one."""
    key: int = Order.create().id
    return key


def run(key: int, method: str, database: Any) -> None:
    """The job, and whether its connection is closed when it has ended."""
    try:
        perform(written(on={"$ref": ["peewee.Probe", key]}, do=method))
    finally:
        SEEN.append((database.is_closed(),))
        if not database.is_closed():
            closed(database)


def test_around_a_job_a_connection_is_open_and_no_transaction(probe: int, sqlite: Any) -> None:
    in_a_thread(run, probe, "look", sqlite)
    assert SEEN == [(False, False), (True,)]


def test_a_connection_that_is_open_already_is_used_and_stays_open(probe: int, sqlite: Any) -> None:
    perform(written(on={"$ref": ["peewee.Probe", probe]}, do="look"))
    assert SEEN == [(False, False)]
    assert not sqlite.is_closed()


def test_what_a_call_wrote_before_it_failed_stays_as_it_does_without_a_worker(probe: int, sqlite: Any) -> None:
    with pytest.raises(RuntimeError, match="on purpose"):
        in_a_thread(run, probe, "fail", sqlite)
    assert SEEN == [(True,)]
    assert Order.select().where(Order.note == "written by the call").count() == 1


def test_a_transaction_that_a_call_left_open_is_rolled_back_with_its_sends(
    probe: int, sqlite: Any, outbox: Any, caplog: pytest.LogCaptureFixture
) -> None:
    in_a_thread(run, probe, "forget", sqlite)
    assert SEEN == [(True,)]
    assert Order.select().where(Order.note == "never committed").count() == 0
    assert "left a transaction open" in caplog.text
    assert outbox.messages == []


def test_the_database_is_the_one_that_the_model_is_bound_to_now(sqlite: Any, tmp_path: Path) -> None:
    order = Order.create(note="here")
    other = peewee.SqliteDatabase(str(tmp_path / "other.db"))
    with other.bind_ctx(MODELS):
        other.create_tables(MODELS)
        assert Order.create(note="there").id == order.id
        assert found("peewee.Order", order.id)[0].note == "there"
        closed(other)
    assert found("peewee.Order", order.id)[0].note == "here"


@ayl.task("peewee.count")
def count() -> None:
    SEEN.append((Order.select().count(),))


def in_a_worker(task: str) -> None:
    """A job that names nothing, as the worker makes its call."""
    with around_job():
        perform(written(do=task))


def test_what_a_call_connected_by_itself_is_closed_after_it(sqlite: Any) -> None:
    def run_both() -> None:
        in_a_worker("peewee.count")
        SEEN.append((sqlite.is_closed(),))

    in_a_thread(run_both)
    assert SEEN == [(0,), (True,)]


def test_what_was_connected_before_is_left_open(sqlite: Any) -> None:
    sqlite.connect(reuse_if_open=True)
    in_a_worker("peewee.count")
    assert not sqlite.is_closed()


def test_what_a_call_connected_is_closed_whatever_it_raises(sqlite: Any) -> None:
    @ayl.task("peewee.fail")
    def fail() -> None:
        Order.create()
        raise RuntimeError("on purpose")

    def run_it() -> None:
        try:
            in_a_worker("peewee.fail")
        finally:
            SEEN.append((sqlite.is_closed(),))

    with pytest.raises(RuntimeError, match="on purpose"):
        in_a_thread(run_it)
    assert SEEN == [(True,)]
