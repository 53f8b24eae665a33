"""Every ORM keeps the same promises: a shop in each, in a real database, and one row of the matrix for each promise.

What leaves, and when, is seen in an engine that keeps it; what left is run in a thread of its own, as by a worker.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import ayl
from ayl import State, delivery
from ayl.calling import perform
from ayl.errors import Gone, NotSaved
from ayl.failures import Buried, Policy, decide
from ayl.life import Past
from ayl.registry import registry

from .shop import SHIPPED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.ayl.conftest import Outbox

    from .shop import Shop

SHOPS = {
    path.stem.removesuffix("_shop"): import_module(f"tests.orms.{path.stem}")
    for path in sorted(Path(__file__).parent.glob("*_shop.py"))
}
"""The modules here, each with `opened(directory)`; imported now, for what is declared in a test ends with it."""

WITH_TRANSACTIONS = [name for name in SHOPS if name != "plain"]
"""Those whose commits calls wait for."""

OLD = 11
"""Seconds of age at which a job is not ahead of its transaction any more."""


@pytest.fixture(params=SHOPS)
def shop(request: pytest.FixtureRequest, tmp_path: Path, outbox: Outbox) -> Iterator[Shop]:
    """An empty one of each."""
    SHIPPED.clear()
    with SHOPS[request.param].opened(tmp_path) as opened:
        yield opened


whoever_commits = pytest.mark.parametrize("shop", WITH_TRANSACTIONS, indirect=True)


class UndoneError(Exception):
    """Ends a transaction that is to be rolled back."""


def run(outbox: Outbox) -> list[BaseException | None]:
    """Make every call that has left, in order; what each of them raised."""
    raised: list[BaseException | None] = []

    def work() -> None:
        for message in outbox.messages:
            try:
                perform(message)
            except Exception as error:  # noqa: BLE001 - for the test to look at
                raised.append(error)
            else:
                raised.append(None)
        outbox.writes.clear()

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    return raised


def left(outbox: Outbox) -> list[Any]:
    """The carriers of the calls that have left, in order."""
    return [message.args[0] for message in outbox.messages]


def test_every_orm_has_its_shop() -> None:
    assert [*SHOPS] == ["django", "peewee", "plain", "sqlalchemy", "sqlmodel"]


# Naming and finding


def test_a_saved_object_is_found_again_fresh(shop: Shop, outbox: Outbox) -> None:
    order = shop.saved("socks")
    ayl.send(order.ship, "ups")
    order.note = "changed here, and not saved"
    assert run(outbox) == [None]
    assert SHIPPED == [("socks", "ups")]


def test_several_objects_of_a_call_are_all_found(shop: Shop, outbox: Outbox) -> None:
    @ayl.task("matrix.ship_all")
    def ship_all(orders: list[Any], carrier: str) -> None:
        for order in orders:
            order.ship(carrier)

    socks, shoes = shop.saved("socks"), shop.saved("shoes")
    ayl.send(ship_all, [shoes, socks, shoes], "ups")
    assert run(outbox) == [None]
    assert SHIPPED == [("shoes", "ups"), ("socks", "ups"), ("shoes", "ups")]


def test_an_unsaved_object_is_refused_and_its_place_named(shop: Shop, outbox: Outbox) -> None:
    with pytest.raises(NotSaved, match=r"^the receiver is of type Order and has no"):
        ayl.send(shop.unsaved("socks").ship, "ups")
    with pytest.raises(NotSaved, match=r"^args\[0\]\[1\] is of type Order and has no"):
        ayl.ayl_send(shop.saved("shoes"), "ship", ["ups", shop.unsaved("socks")])
    assert outbox.messages == []


def test_an_object_that_was_deleted_before_the_run_buries_the_job_with_the_reason(shop: Shop, outbox: Outbox) -> None:
    order = shop.saved("socks")
    ayl.send(order.ship, "ups")
    shop.deleted(order)
    (error,) = run(outbox)
    assert isinstance(error, Gone)
    outcome = decide(Policy(), Past(age=OLD), error)
    assert isinstance(outcome, Buried)
    assert outcome.reason.endswith(f"Order {order.id} exists no more")
    assert SHIPPED == []


def test_a_renamed_class_still_answers_old_messages(shop: Shop, outbox: Outbox) -> None:
    name = registry.model_names[shop.Order]
    ayl.send(shop.saved("old").ship, "ups")
    shop.renamed(was=name)
    ayl.send(shop.saved("new").ship, "ups")
    old, new = outbox.messages
    assert (old.on["$ref"][0], new.on["$ref"][0]) == (name, "shop.Purchase")
    assert run(outbox) == [None, None]
    assert SHIPPED == [("old", "ups"), ("new", "ups")]


def test_a_composite_key_is_found_again_and_missed_when_it_is_gone(shop: Shop, outbox: Outbox) -> None:
    assert shop.Line is not None
    first, second = shop.saved_line(7, 1, "one"), shop.saved_line(7, 2, "two")
    ayl.send(second.ship, "ups")
    ayl.send(first.ship, "dhl")
    shop.deleted(first)
    well, error = run(outbox)
    assert well is None
    assert SHIPPED == [("two", "ups")]
    assert isinstance(error, Gone)


# Commits


@whoever_commits
def test_a_send_leaves_at_the_commit_in_order_with_all_ids_known_before(shop: Shop, outbox: Outbox) -> None:
    with shop.transaction():
        order = shop.added("socks")
        handles = [ayl.send(order.ship, carrier) for carrier in ("ups", "dhl", "post")]
        assert outbox.messages == []
        assert {handle.state for handle in handles} == {State.UNCOMMITTED}
        ids = [handle.id for handle in handles]
    assert [message.id for message in outbox.messages] == ids
    assert left(outbox) == ["ups", "dhl", "post"]
    assert {handle.state for handle in handles} == {State.SUBMITTED}
    assert run(outbox) == [None, None, None]
    assert SHIPPED == [("socks", "ups"), ("socks", "dhl"), ("socks", "post")]


@whoever_commits
def test_a_call_that_names_nothing_stored_waits_as_well(shop: Shop, outbox: Outbox) -> None:
    @ayl.task("matrix.note")
    def note(word: str) -> None: ...

    with shop.transaction():
        shop.added("socks")
        ayl.send(note, "a")
        assert left(outbox) == []
    assert left(outbox) == ["a"]


@whoever_commits
def test_a_rollback_drops_the_send(shop: Shop, outbox: Outbox) -> None:
    with suppress(UndoneError), shop.transaction():
        handle = ayl.send(shop.added("socks").ship, "ups")
        raise UndoneError
    assert handle.state is State.DROPPED
    with shop.transaction():
        ayl.send(shop.added("shoes").ship, "dhl")
    assert left(outbox) == ["dhl"]


@whoever_commits
def test_a_savepoints_rollback_drops_its_own_sends_and_no_others(shop: Shop, outbox: Outbox) -> None:
    with shop.transaction():
        ayl.send(shop.added("before").ship, "a")
        with suppress(UndoneError), shop.transaction():
            dropped = ayl.send(shop.added("within").ship, "b")
            raise UndoneError
        assert dropped.state is State.DROPPED
        ayl.send(shop.added("after").ship, "c")
    assert left(outbox) == ["a", "c"]
    assert run(outbox) == [None, None]
    assert SHIPPED == [("before", "a"), ("after", "c")]


@whoever_commits
def test_nested_savepoints_that_are_released_one_by_one_keep_their_sends(shop: Shop, outbox: Outbox) -> None:
    with shop.transaction():
        with shop.transaction():
            ayl.send(shop.added("a").ship, "a")
            with shop.transaction():
                ayl.send(shop.added("b").ship, "b")
            assert left(outbox) == []
            ayl.send(shop.added("c").ship, "c")
        assert left(outbox) == []
    assert left(outbox) == ["a", "b", "c"]
    assert run(outbox) == [None, None, None]


@whoever_commits
def test_an_inner_release_with_an_outer_rollback_drops_all(shop: Shop, outbox: Outbox) -> None:
    with suppress(UndoneError), shop.transaction():
        with shop.transaction():
            inner = ayl.send(shop.added("a").ship, "a")
        outer = ayl.send(shop.added("b").ship, "b")
        raise UndoneError
    assert (inner.state, outer.state) == (State.DROPPED, State.DROPPED)
    assert outbox.messages == []


@whoever_commits
def test_a_savepoint_that_is_rolled_back_takes_what_was_released_within(shop: Shop, outbox: Outbox) -> None:
    with shop.transaction():
        with suppress(UndoneError), shop.transaction():
            with shop.transaction():
                ayl.send(shop.added("a").ship, "a")
            raise UndoneError
        ayl.send(shop.added("b").ship, "b")
    assert left(outbox) == ["b"]


@whoever_commits
def test_after_commit_false_leaves_at_once(shop: Shop, outbox: Outbox) -> None:
    order = shop.saved("socks")
    with suppress(UndoneError), shop.transaction():
        shop.added("shoes")
        ayl.opts(after_commit=False).send(order.ship, "ups")
        assert left(outbox) == ["ups"]
        raise UndoneError
    assert left(outbox) == ["ups"]


@whoever_commits
def test_a_send_in_a_batch_in_a_transaction_leaves_after_both(shop: Shop, outbox: Outbox) -> None:
    with shop.transaction():
        with ayl.batch():
            first = ayl.send(shop.added("a").ship, "a")
        assert (first.state, left(outbox)) == (State.UNCOMMITTED, [])
    assert left(outbox) == ["a"]
    with ayl.batch():
        with shop.transaction():
            second = ayl.send(shop.added("b").ship, "b")
        assert (second.state, left(outbox)) == (State.BATCHED, ["a"])
    assert left(outbox) == ["a", "b"]


@whoever_commits
def test_a_send_that_is_cancelled_before_the_commit_never_leaves(shop: Shop, outbox: Outbox) -> None:
    with shop.transaction():
        order = shop.added("socks")
        assert ayl.send(order.ship, "ups").cancel()
        ayl.send(order.ship, "dhl")
    assert left(outbox) == ["dhl"]


@whoever_commits
def test_a_transaction_of_one_thread_holds_back_no_other_s_sends(shop: Shop, outbox: Outbox) -> None:
    @ayl.task("matrix.note")
    def note(word: str) -> None: ...

    with shop.transaction():
        shop.added("socks")
        ayl.send(note, "waits")
        other = threading.Thread(target=ayl.send, args=(note, "leaves"))
        other.start()
        other.join()
        assert left(outbox) == ["leaves"]
    assert left(outbox) == ["leaves", "waits"]


def test_after_all_that_sends_leave_at_once(shop: Shop, outbox: Outbox) -> None:
    handle = ayl.send(shop.saved("socks").ship, "ups")
    assert (handle.state, left(outbox)) == (State.SUBMITTED, ["ups"])
    delivery.close()
