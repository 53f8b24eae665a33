"""The human form of a message: derived from it, for operators and logs, and never read by a worker."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import ayl
from ayl.message import Message, human
from tests.ayl.conftest import written

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.ayl.conftest import Outbox


@ayl.model("human.Order")
class Order:
    def __init__(self, key: Any = 42) -> None:
        self.id = key

    @classmethod
    def find(cls, key: int) -> Order:
        raise AssertionError("looked for")

    def ship(self, *args: Any, **kwargs: Any) -> None: ...

    @staticmethod
    def count() -> None: ...


@ayl.task("human.restock")
def restock(number: int, *, urgent: bool = False) -> None: ...


def message(**changes: Any) -> Message:
    return written(**({"do": "ship"} | changes))


@pytest.mark.parametrize(
    ("send", "shown"),
    [
        (lambda: ayl.ayl_send(Order(), "ship", "ups"), "human.Order.find(42).ship('ups')"),
        (lambda: ayl.ayl_send(Order("a"), "ship", insured=True), "human.Order.find('a').ship(insured=True)"),
        (lambda: ayl.ayl_send(Order((1, "a")), "ship"), "human.Order.find((1, 'a')).ship()"),
        (lambda: ayl.ayl_send(Order, "count"), "human.Order.count()"),
        (lambda: ayl.send(restock, 3, urgent=True), "human.restock(3, urgent=True)"),
        (lambda: ayl.ayl_send([1], "append", "ü"), "[1].append('ü')"),
        (lambda: ayl.ayl_send(Order(), "ship", Decimal("3.50"), {1: None}), "(Decimal('3.50'), {1: None})"),
        (lambda: ayl.ayl_send(Order(), "ship", [Order(7), Order]), "([human.Order.find(7), human.Order])"),
        (lambda: ayl.ayl_send(Order(), "ship", **{"$x": 1}), ".ship($x=1)"),
    ],
)
def test_it_is_the_call_as_python_would_write_it(send: Callable[[], object], shown: str, outbox: Outbox) -> None:
    send()
    assert human(outbox.messages[0]).endswith(shown)


def test_nothing_is_looked_for_and_nothing_needs_to_be_known() -> None:
    strange = message(
        on={"$ref": ["elsewhere.Thing", 7]}, args=[{"$t": ["value", "elsewhere.Money", {"amount": 3}]}], do="go"
    )
    assert human(strange) == "elsewhere.Thing.find(7).go(elsewhere.Money(amount=3))"


@pytest.mark.parametrize(
    ("mark", "shown"),
    [
        (["value", "a.Pair", {"one": {"$t": ["enum", "a.Suit", "CLUBS"]}, "two": {"$ref": ["a.Order", 7]}}],
         "a.Pair(one=a.Suit.CLUBS, two=a.Order.find(7))"),
        (["flag", "a.Rights", 3], "a.Rights(3)"),
        (["set", [{"$t": ["enum", "a.Suit", "CLUBS"]}]], "{a.Suit.CLUBS}"),
        (["value", "a.Pair(), b", {"one": 1}], "{'$t': ['value', 'a.Pair(), b', {'one': 1}]}"),
        (["value", "a.Pair", {"one=1, two": 1}], "{'$t': ['value', 'a.Pair', {'one=1, two': 1}]}"),
        (["enum", "a.Suit", "CLUBS.x()"], "{'$t': ['enum', 'a.Suit', 'CLUBS.x()']}"),
    ],
)  # fmt: skip
def test_values_of_the_apps_classes_are_shown_by_their_names_and_by_nothing_that_looks_like_more(
    mark: list[Any], shown: str
) -> None:
    assert human(message(args=[{"$t": mark}])) == f"ship({shown})"


def test_what_cannot_be_understood_is_shown_as_it_is() -> None:
    assert human(message(args=[{"$t": ["nonsense"]}, {"$ref": 3}])) == "ship({'$t': ['nonsense']}, {'$ref': 3})"


def test_a_value_that_cannot_show_itself_is_shown_as_it_was_sent() -> None:
    @ayl.value("human.Shy")
    @dataclass
    class Shy:
        name: str

        def __repr__(self) -> str:
            raise RuntimeError("not today")

    assert "human.Shy" in human(message(args=[{"$t": ["value", "human.Shy", {"name": "x"}]}]))


TEXT = st.text(max_size=5) | st.sampled_from(["a\nb", "\x1b[2J", "\r", "\u202e", "\x00"])
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(TEXT | st.sampled_from(["$t", "$ref"]), inner, max_size=3)
        | st.lists(TEXT, max_size=2).map(lambda parts: {"$ref": parts})
    ),
    max_leaves=8,
)


@given(do=TEXT, on=ANYTHING, args=st.lists(ANYTHING, max_size=3), kwargs=st.dictionaries(TEXT, ANYTHING, max_size=2))
def test_it_is_one_printable_line_so_that_no_message_can_forge_a_log(
    do: str, on: Any, args: list[Any], kwargs: dict[str, Any]
) -> None:
    assert human(message(do=do, on=on, args=args, kwargs=kwargs)).isprintable()
