"""Calls in readable form: what `human` writes is read back, and what cannot be is refused with its place."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, Flag
from pathlib import PosixPath, PurePosixPath
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import BaseModel

import ayl
from ayl import values
from ayl.message import human
from ayl.readable import CannotRead, WrittenCall, read
from tests.ayl.conftest import written


@ayl.value("readable.Suit")
class Suit(Enum):
    SPADES = 1


@ayl.value("readable.Rights")
class Rights(Flag):
    READ = 1
    WRITE = 2


@ayl.value("readable.Money")
@dataclass(frozen=True)
class Money:
    amount: Any
    currency: str = "EUR"

    def __post_init__(self) -> None:
        if self.currency == "FRF":
            raise ValueError("no francs any more")


@ayl.value("readable.Point")
class Point(BaseModel):
    x: int = 0
    y: int = 0


CLASSES = {"shop.Order", "Depot", "shop.öl.Fass", "lower.case"}


class Named:
    """Stands for a class or an object."""

    def __init__(self, *parts: Any) -> None:
        self.parts = [*parts]


def is_no_mark(found: dict[Any, Any]) -> bool:
    """A dict of the user's that looks like a value in its written form; both are shown alike."""
    return len(found) != 1 or not ({"$t", "$ref"} & found.keys())


ZONES = st.sampled_from(
    [
        None,
        UTC,
        ZoneInfo("Europe/Berlin"),
        timezone(timedelta(hours=-5), "EST"),
        timezone(timedelta(hours=5, minutes=30)),
        timezone(timedelta(seconds=-1, microseconds=7)),
    ]
)
NAMES = st.sampled_from(["ship", "a", "ünder_Score1", "True", "inf", "nanj", "b", "tzinfo", "key", "b2", "e5"])
TEXT = st.text(max_size=8) | st.sampled_from(["a  b", " ", "'\"", "\\", "\\n", "\n\r\t", "\x1b[2J", "\u202e", "\ud800"])
SINGLES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(2**200), 2**200)
    | st.floats()
    | st.complex_numbers()
    | TEXT
    | st.binary(max_size=8)
    | st.decimals().filter(lambda number: not number.is_snan())  # which has no hash
    | st.uuids()
    | st.dates()
    | st.datetimes(timezones=ZONES)
    | st.builds(lambda moment, fold: moment.replace(fold=fold), st.datetimes(timezones=ZONES), st.integers(0, 1))
    | st.times(timezones=ZONES.filter(lambda zone: not isinstance(zone, ZoneInfo)))
    | st.timedeltas()
    | st.builds(range, st.integers(), st.integers(), st.integers(min_value=1))
    | TEXT.map(PosixPath)
    | TEXT.map(PurePosixPath)
    | st.sampled_from([*Suit, *Rights, Rights.READ | Rights.WRITE])
)
KEYS = st.recursive(SINGLES, lambda inner: st.lists(inner, max_size=2) | st.lists(inner, max_size=2).map(tuple))
HASHABLE = st.recursive(
    SINGLES | st.builds(Named, st.sampled_from(sorted(CLASSES))),
    lambda inner: st.lists(inner, max_size=2).map(tuple) | st.frozensets(inner, max_size=2),
    max_leaves=4,
)
VALUES = st.recursive(
    HASHABLE
    | st.binary(max_size=4).map(bytearray)
    | st.builds(Named, st.sampled_from(sorted(CLASSES)), KEYS)
    | st.sets(HASHABLE, max_size=3),
    lambda inner: (
        st.builds(Money, inner)
        | st.builds(Point, x=st.integers(0, 9))
        | st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(HASHABLE | TEXT.map(lambda text: "$" + text), inner, max_size=3).filter(is_no_mark)
    ),
    max_leaves=8,
)


def encoded(value: Any) -> Any:
    return values.encode(value, "it", lambda found: found.parts if isinstance(found, Named) else None)


def read_back(on: Any, do: str, args: list[Any], kwargs: dict[str, Any]) -> tuple[WrittenCall, WrittenCall]:
    """What was sent, and what its readable form says."""
    sent = WrittenCall(on, do, encoded(args), encoded(kwargs))
    shown = human(written(on=sent.on, do=sent.do, args=sent.args, kwargs=sent.kwargs))
    return sent, read(shown, CLASSES.__contains__)


@given(receiver=VALUES.filter(lambda value: value is not None), do=NAMES, args=st.lists(VALUES, max_size=3))
@example(receiver=-5, do="bit_length", args=[])
@example(receiver=complex(-0.0, float("-inf")), do="conjugate", args=[{float("nan"), 0.5}])
@example(receiver=Named("Depot"), do="find", args=[Named("Depot"), 2])
@example(receiver=Named("Depot", (1, "a  b")), do="find", args=[Named("Depot", 3)])
@example(receiver={}, do="get", args=[set(), frozenset(), (), (1,), {"$t": 1, "$x": 2}, [[]]])
@example(receiver=datetime(1, 1, 1, tzinfo=ZoneInfo("Europe/Berlin"), fold=1), do="date", args=[time(1), date(1, 1, 1)])
@example(receiver=True, do="e5", args=[Decimal("-sNaN12"), Decimal("1E+5"), timedelta(0), range(0, 2**70, 3)])
def test_what_is_shown_of_a_method_call_is_read_back(receiver: Any, do: str, args: list[Any]) -> None:
    sent, back = read_back(encoded(receiver), do, args, {})
    assert same(back, sent)


@given(kwargs=st.dictionaries(NAMES, VALUES, max_size=3), args=st.lists(VALUES, max_size=1))
def test_what_is_shown_of_a_function_call_is_read_back(kwargs: dict[str, Any], args: list[Any]) -> None:
    sent, back = read_back(None, "shop.restock", args, kwargs)
    assert same(back, sent)


def same(one: WrittenCall, other: WrittenCall) -> bool:
    """Also of the same types: 1, True and 1.0 are equal."""
    return repr(one) == repr(other)


def test_a_dotted_name_is_a_static_method_where_that_is_a_class_and_a_function_elsewhere() -> None:
    assert read("shop.Order.count()") == WrittenCall({"$ref": ["shop.Order"]}, "count", [], {})
    assert read("shop.order.count()") == WrittenCall(None, "shop.order.count", [], {})
    assert read("shop.order.count()", {"shop.order"}.__contains__).do == "count"
    assert read("restock()") == WrittenCall(None, "restock", [], {})


def test_values_of_the_apps_classes_are_written_as_python_would_make_them() -> None:
    money = {"$t": ["value", "readable.Money", {"amount": 3, "currency": "EUR"}]}
    for text in ("readable.Money(3)", "readable.Money(amount=3)", "readable.Money(3, currency='EUR')"):
        assert read(f"f({text})").args == [money]
    assert read("f(readable.Suit(1), [readable.Suit.SPADES])").args == [
        {"$t": ["enum", "readable.Suit", "SPADES"]},
        [{"$t": ["enum", "readable.Suit", "SPADES"]}],
    ]
    assert read("f(readable.Money(shop.Order.find(1)))").args[0]["$t"][2]["amount"] == {"$ref": ["shop.Order", 1]}


def test_blanks_and_lines_may_stand_between_parts_and_a_comma_behind_the_last() -> None:
    text = "\n shop.Order.find( 42 ) . ship (\n\t'ups' ,\n insured = True ,\n)\n"
    assert read(text) == WrittenCall({"$ref": ["shop.Order", 42]}, "ship", ["ups"], {"insured": True})
    assert read("f([1, 2,], (1,), {1: 2,}, {3,})").args[0] == [1, 2]


REFUSED = [
    ("", 1, "the text ends where a value or a name should stand"),
    ("f", 2, "behind f lacks a '('"),
    ("f()x", 4, "the call has ended: nothing stands behind its last parenthesis"),
    ("f() + 1", 5, "the call has ended"),
    ("f(1 2)", 5, "a ',' or the ')' of f(…) should stand here"),
    ("f(1", 4, "the ')' of f(…) is missing"),
    ("f([1, 2)", 8, "a ',' or the ']' of the list should stand here"),
    ("f(,)", 3, "a value or a name should stand here, not ','"),
    ("f(ups)", 3, "ups is no class: text stands in quotes"),
    ("f(true)", 3, "true is no class: True"),
    ("f(1 + 1)", 5, "a ',' or the ')' of f(…) should stand here"),
    ("f(*[1])", 3, "a value or a name should stand here, not '*'"),
    ("f(x=1, 2)", 8, "arguments without a name stand before those with one"),
    ("f(x=1, x=2)", 8, "x is given twice"),
    ("f('abc)", 3, "text that begins here has no closing quote on its line"),
    ("f('a\nb')", 3, "text that begins here has no closing quote on its line"),
    ("f('a\x1b')", 5, "this character cannot be seen: write it as \\x1b"),
    ("f('\u202e')", 4, "this character cannot be seen: write it as \\u202e"),
    ("f('\udc80')", 4, "this character cannot be seen: write it as \\udc80"),
    ("f(\x00)", 3, "a value or a name should stand here, not '\\x00'"),
    (r"f('ab\q')", 6, "what stands behind this backslash means nothing"),
    (r"f('\U00110000')", 4, "there is no such character"),
    (r"f(b'\u0041')", 5, "bytes have no \\u"),
    ("f(b'ü')", 5, "bytes are ASCII here"),
    ("f(007)", 3, "this is no number as Python writes it"),
    ("f(1_000)", 3, "this is no number as Python writes it"),
    ("f(1e999)", 3, "this is more than a float can hold"),
    (f"f({'9' * 5000})", 3, "a number of more than 4,300 digits"),
    ("f(٣)", 3, "a value or a name should stand here, not '\\u0663'"),
    ("f((1))", 5, "a tuple of one has a comma"),
    ("f({[1]: 2})", 4, "a list can be neither a key nor an element of a set"),
    ("f({1, True})", 7, "this stands here twice"),
    ("f({1: 2, 1: 3})", 10, "this stands here twice"),
    ("f({1: 2, 3})", 11, "':' should stand here, between a key and its value"),
    ("f(<Suit.SPADES: 1>)", 3, "what is shown as <…> cannot be written here; a member of an Enum is NAME.MEMBER"),
    ("f(Money(amount=3))", 3, "Money(…) is no value that can be written here"),
    ("f({'$t': ['value', 'shop.Money', {}]})", 37, "a dict with $t or $ref would be taken for"),
    ("f(readable.Suit.HEARTS)", 3, "readable.Suit has no member 'HEARTS'"),
    ("f(readable.Suit(7))", 3, "there is no such readable.Suit: readable.Suit does not accept its fields: 7 is not"),
    ("f(readable.Suit('A', 'B'))", 3, "readable.Suit(…) cannot be understood: these are no arguments of it"),
    (
        "f(readable.Money(1, 'FRF'))",
        3,
        "there is no such readable.Money: readable.Money does not accept its fields:",
    ),
    ("f(readable.Money(size=3))", 3, "there is no such readable.Money"),
    ("f(readable.Moneys(3))", 3, "readable.Moneys(…) is no value that can be written here"),
    ("f('ups', …)", 10, "what was shown here is cut off: give all of it"),
    ("f(shop.Order.find(shop.Order))", 19, "the key of an object is a value, and names no class or other object"),
    ("shop.Order.find([shop.Order.find(1)]).ship()", 18, "the key of an object is a value"),
    ("f(shop.Order.find())", 3, "shop.Order.find(…) is no value that can be written here"),
    ("shop.Order.find(1)._ship()", 20, "_ship is private: only public methods can be sent"),
    ("shop.Order._ship()", 1, "_ship is private"),
    ("None.ship()", 1, "nothing can be called on None"),
    ("f(UUID('x'))", 3, "there is no such UUID"),
    ("f(range(1, 2, 0))", 3, "there is no such range"),
    ("f(datetime.datetime(b'0123456789'))", 3, "datetime.datetime(…) cannot be understood: it takes int, not bytes"),
    ("f(datetime.datetime(2026, 13, 1))", 3, "there is no such datetime.datetime: month must be in 1..12"),
    ("f(datetime.timezone(datetime.timedelta(9)))", 3, "there is no such datetime.timezone"),
    ("f(zoneinfo.ZoneInfo(key='../passwd'))", 3, "there is no such zoneinfo.ZoneInfo"),
    ("f(set([1]))", 3, "set(…) cannot be understood: these are no arguments of it"),
    ("__import__('os').system('ls')", 1, "__import__(…) is no value that can be written here"),
    ("f(lambda: 1)", 3, "lambda is no class"),
    ("f(" + "[" * 200, 103, "it nests deeper than 100 levels"),
    ("f(" * 200, 203, "it nests deeper than 100 levels"),
]


@pytest.mark.parametrize(("text", "column", "reason"), REFUSED, ids=lambda value: ascii(value)[:40])
def test_what_cannot_be_read_is_refused_with_its_place(text: str, column: int, reason: str) -> None:
    with pytest.raises(CannotRead) as refused:
        read(text)
    assert (refused.value.line_number, refused.value.column) == (1, column)
    assert refused.value.reason.startswith(reason)


def test_the_place_is_told_by_line_and_column() -> None:
    with pytest.raises(CannotRead, match=r"^ups is no class: text stands in quotes \(line 2, column 3\)$") as refused:
        read("f(1,\n  ups,\n  3)")
    assert refused.value.line == "  ups,"


@given(text=st.text(max_size=30) | st.text("fo.(),='\"\\[]{}:1eE+-j \nb#$_", max_size=30))
def test_any_text_is_a_call_or_refused(text: str) -> None:
    found: WrittenCall | CannotRead
    try:
        found = read(text)
    except CannotRead as refused:
        found = refused
    if isinstance(found, CannotRead):
        assert 1 <= found.column <= len(text) + 1
        assert "\n" not in found.line


def test_a_text_of_a_million_characters_is_read_at_once_and_nothing_recurses() -> None:
    before = sys.getrecursionlimit()
    assert len(read(f"f('{'x' * 10**6}', [{'1, ' * 10**5}])").args[1]) == 10**5
    for hostile in ("(" * 10**6, "f('" + "\\'" * 10**5, "f(" + "-" * 10**6, "a." * 10**5, "f(" + "1" * 10**6):
        with pytest.raises(CannotRead):
            read(hostile)
    assert sys.getrecursionlimit() == before


def test_what_no_message_can_hold_is_refused_as_in_a_send() -> None:
    with pytest.raises(TypeError, match=r"args\[0\] is of type timezone: send the zone's name"):
        read("f(datetime.timezone.utc)")
