"""From a message to the call: what is checked first, and whose error an error is."""

from __future__ import annotations

import asyncio
import gc
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

import ayl
from ayl import calling
from ayl.errors import CannotRun, Gone
from tests.ayl.conftest import written

if TYPE_CHECKING:
    from collections.abc import Coroutine

LOG: list[Any] = []


@ayl.model("calling.Order")
class Order:
    find_error: ClassVar[Exception | None] = None

    def __init__(self, key: int) -> None:
        self.id = key

    @classmethod
    def find(cls, key: int) -> Order:
        LOG.append("find")
        return cls(key)

    def ship(self, carrier: str) -> str:
        LOG.append(carrier)
        return "a result that nobody sees"

    def note(self, **kwargs: Any) -> None:
        LOG.append(kwargs)

    def fail(self, name: str) -> None:
        raise ERRORS[name]

    async def ship_later(self, carrier: str) -> None:
        await asyncio.sleep(0)
        LOG.append(carrier)

    def hand_over(self, carrier: str) -> Coroutine[Any, Any, None]:
        return self.ship_later(carrier)

    async def fail_later(self, name: str) -> None:
        await asyncio.sleep(0)
        raise ERRORS[name]

    def ship_twice(self) -> None:
        ayl.ayl_send(self, "ship", "inner")
        LOG.append("outer")


@ayl.task("calling.restock")
def restock(number: int, *others: Any) -> None:
    LOG.append(number)


ERRORS: dict[str, BaseException] = {
    type(error).__name__: error
    for error in (
        TypeError("t"),
        ValueError("v"),
        AttributeError("a"),
        KeyError("k"),
        LookupError("l"),
        RuntimeError("r"),
        ConnectionError("c"),
        ayl.Decay(3),
        ayl.Bury("b"),
        SystemExit(3),
        KeyboardInterrupt(),
    )
}

ORDER = {"$ref": ["calling.Order", 42]}


@pytest.fixture(autouse=True)
def _empty() -> None:
    LOG.clear()


def perform(**changes: Any) -> None:
    calling.perform(written(**changes))


def test_a_function_is_called_with_its_arguments() -> None:
    perform(do="calling.restock", args=[3])
    perform(do="calling.restock", kwargs={"number": 4})
    assert LOG == [3, 4]


def test_a_method_is_called_on_the_object_that_was_found() -> None:
    perform(on=ORDER, do="ship", args=["ups"])
    assert LOG == ["find", "ups"]


@pytest.mark.parametrize("method", ["ship_later", "hand_over"])
def test_a_coroutine_is_run_to_its_end(method: str) -> None:
    perform(on=ORDER, do=method, args=["ups"])
    assert LOG == ["find", "ups"]


@pytest.mark.parametrize("method", ["fail", "fail_later"])
@pytest.mark.parametrize("name", ERRORS)
def test_what_the_call_raises_comes_out_as_it_is(method: str, name: str) -> None:
    with pytest.raises(type(ERRORS[name])) as caught:
        perform(on=ORDER, do=method, args=[name])
    assert caught.value is ERRORS[name]


@pytest.mark.parametrize(
    "broken",
    [
        {"do": "shipp"},
        {"do": "ship"},
        {"do": "ship", "args": ["ups", 2]},
        {"do": "ship", "kwargs": {"career": "ups"}},
        {"do": "_ship"},
    ],
    ids=str,
)
def test_what_needs_no_database_is_checked_before_any_object_is_looked_for(broken: dict[str, Any]) -> None:
    with pytest.raises(CannotRun):
        perform(on=ORDER, **broken)
    assert LOG == []


def test_so_it_is_for_objects_inside_a_plain_receiver() -> None:
    with pytest.raises(CannotRun):
        perform(on=[ORDER], do="append")
    assert LOG == []


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ({"do": "calling.gone"}, "no function 'calling.gone' is registered here; is the module that declares it"),
        ({"on": {"$ref": ["calling.Gone", 1]}, "do": "ship"}, "no class 'calling.Gone' is registered here; is the "),
        ({"on": ORDER, "do": "shipp"}, "calling.Order.shipp does not exist; did you mean 'ship'?"),
        ({"on": ORDER, "do": "ship"}, "calling.Order.ship("),
        ({"do": "calling.restock", "args": [1, {"$ref": ["calling.Gone", 1]}]}, "no class 'calling.Gone' is "),
        ({"do": "calling.restock", "args": [1, {"$t": ["date", "soon"]}]}, "args cannot be understood: "),
        ({"do": "calling.restock", "kwargs": {"number": {"$t": [3]}}}, "kwargs['number'] cannot be understood: "),
        ({"on": {"$t": ["nonsense"]}, "do": "ship"}, "the receiver cannot be understood: "),
    ],
)
def test_a_message_that_cannot_run_says_why_in_an_operators_words(broken: dict[str, Any], reason: str) -> None:
    with pytest.raises(CannotRun) as caught:
        perform(**broken)
    assert reason in str(caught.value)
    assert LOG == []


def test_no_call_is_made_when_an_argument_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Order, "find", classmethod(lambda cls, key: None))
    with pytest.raises(Gone):
        perform(do="calling.restock", args=[1, ORDER])
    assert LOG == []


def test_a_call_may_send_another(inline: None) -> None:
    perform(on=ORDER, do="ship_twice")
    assert LOG == ["find", "find", "inner", "outer"]


@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited")
def test_the_synchronous_engine_runs_coroutines_where_a_loop_is_running(inline: None) -> None:
    said = ""

    async def handler() -> None:
        Order(42).ayl_send("ship_later", "ups")  # type: ignore[attr-defined]

    try:
        asyncio.run(handler())
    except RuntimeError as error:
        said = str(error)
    gc.collect()  # a coroutine that was never awaited says so here, and not in another test
    assert said == ""
    assert LOG == ["find", "ups"]


@pytest.mark.parametrize("name", ["$x", "$t", "$ref", "ü", "a b", "", "\udcff", "self_", "kwargs"], ids=ascii)
def test_a_keyword_of_any_name_arrives(name: str, inline: None) -> None:
    ayl.ayl_send(Order(42), "note", **{name: 1})
    ayl.ayl_send(Order(42), "note", plain=2, **{name: {"$t": [name]}})
    _, first, _, second = LOG
    assert first == {name: 1}
    assert second == {"plain": 2, name: {"$t": [name]}}
