"""Arguments come back from JSON equal and of the same type."""

from __future__ import annotations

import json
import math
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Context, Decimal, localcontext
from pathlib import Path, PurePosixPath
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given

from ayl.values import decode

from .things import Money, Order, Point, Right, Suit, everything, find, form, hashables, patient, scalars, sent, write


class TestWhatTravels:
    @patient
    @given(everything)
    def test_every_accepted_value_comes_back_equal_and_of_the_same_type(self, thing: Any) -> None:
        assert form(sent(thing)) == form(thing)

    @patient
    @given(everything)
    def test_what_is_written_is_plain_json_for_any_language(self, thing: Any) -> None:
        written = write(thing)
        assert json.loads(json.dumps(written, allow_nan=False)) == written

    @patient
    @given(scalars | hashables)
    def test_every_kind_comes_back_from_every_kind_of_container(self, thing: Any) -> None:
        for container in ([thing], {"a": thing}, {1: thing}, (thing,), Money(thing), Point(thing), Order(thing)):
            assert form(sent(container)) == form(container)

    @pytest.mark.parametrize(
        "thing",
        [None, True, 0, -(2**63), 2**63 - 1, 1.5, "", "ascii", "Käse 🧀", [], {}, [1, [2, {"a": None}]], {"": "$"}],
    )
    def test_what_json_holds_is_written_as_it_is(self, thing: object) -> None:
        assert write(thing) == thing

    @pytest.mark.parametrize(
        ("thing", "written"),
        [
            (2**63, ["int", "0x8000000000000000"]),
            (-math.inf, ["float", "-inf"]),
            ("\ud800", ["str", "7aCA"]),
            (1 - 2j, ["complex", 1.0, -2.0]),
            (Decimal("-0.00"), ["Decimal", "-0.00"]),
            (UUID(int=1), ["UUID", "00000000-0000-0000-0000-000000000001"]),
            (b"\0\xff", ["bytes", "AP8="]),
            (bytearray(b"a"), ["bytearray", "YQ=="]),
            (range(1, 9, 2), ["range", 1, 9, 2]),
            (Path("/a/b"), ["Path", "/a/b"]),
            (Path("/\udcff"), ["Path", {"$t": ["str", "L+2zvw=="]}]),
            (PurePosixPath("a"), ["PurePosixPath", "a"]),
            (date(2024, 2, 29), ["date", "2024-02-29"]),
            (time(1, 2), ["time", "01:02:00"]),
            (timedelta(-1, 2, 3), ["timedelta", -1, 2, 3]),
            (datetime(2024, 1, 2, 3, 4, 5), ["datetime", "2024-01-02T03:04:05"]),  # noqa: DTZ001
            (datetime(2024, 1, 2, tzinfo=UTC), ["datetime", "2024-01-02T00:00:00+00:00"]),
            (
                datetime(2024, 10, 27, 2, 30, tzinfo=ZoneInfo("Europe/Berlin"), fold=1),
                ["datetime", "2024-10-27T02:30:00", "Europe/Berlin", 1],
            ),
            (
                datetime(2024, 1, 2, tzinfo=timezone(timedelta(microseconds=1))),
                ["datetime", "2024-01-02T00:00:00", 1],
            ),
            (
                datetime(2024, 1, 2, tzinfo=timezone(timedelta(hours=1), "CET")),
                ["datetime", "2024-01-02T00:00:00+01:00", None, 0, "CET"],
            ),
            ((1, (2,)), ["tuple", [1, {"$t": ["tuple", [2]]}]]),
            ({1}, ["set", [1]]),
            (frozenset({"a"}), ["frozenset", ["a"]]),
            ({1: 2, "a": 3}, ["dict", [[1, 2], ["a", 3]]]),
            ({"$t": 1}, ["dict", [["$t", 1]]]),
            (Suit.HEARTS, ["enum", "test.Suit", "HEARTS"]),
            (Right.READ | Right.RUN, ["flag", "test.Right", 5]),
            (Money(3), ["value", "test.Money", {"amount": 3, "currency": "EUR"}]),
        ],
    )
    def test_the_wire_form_of_each_tag_is_pinned(self, thing: object, written: list[object]) -> None:
        assert write(thing) == {"$t": written}
        assert form(decode({"$t": written}, find)) == form(thing)

    def test_nothing_the_sender_may_change_later_is_shared_with_what_was_written(self) -> None:
        inner = [1]
        thing = {"a": inner}
        written = write(thing)
        inner.append(2)
        assert written == {"a": [1]}

    def test_reading_shares_nothing_with_the_message_either(self) -> None:
        data = [[1], {"a": [2]}]
        made: Any = decode(data, find)
        made[0].append(2)
        made[1]["a"].append(3)
        assert data == [[1], {"a": [2]}]

    def test_an_int_beyond_pythons_limit_of_decimal_digits_travels(self) -> None:
        assert sent(10**50_000) == 10**50_000

    def test_equal_sets_are_written_alike_whatever_order_they_were_filled_in(self) -> None:
        elements = [("a", 1), ("b", None), 3, "c", 2.5, frozenset({1, 2}), frozenset({3}), Money(1)]
        assert write(set(elements)) == write(set(sorted(elements, key=repr)))  # noqa: C414 -- the order is the point
        assert write({11, 2, 1}) == {"$t": ["set", [1, 2, 11]]}

    def test_a_decimal_is_written_the_same_under_any_decimal_context(self) -> None:
        with localcontext(Context(prec=2, capitals=0, traps=[])):
            assert write(Decimal("1.2345E+9")) == {"$t": ["Decimal", "1.2345E+9"]}
            assert sent(Decimal("1.2345E+9")) == Decimal("1.2345E+9")
            with pytest.raises(ValueError, match="Decimal"):
                decode({"$t": ["Decimal", "abc"]}, find)

    def test_a_zone_of_the_database_comes_back_as_that_very_zone(self) -> None:
        berlin = ZoneInfo("Europe/Berlin")
        assert sent(datetime(2024, 1, 1, tzinfo=berlin)).tzinfo is berlin

    def test_a_moment_told_twice_a_year_stays_the_one_it_was(self) -> None:
        late = datetime(2024, 10, 27, 2, 30, tzinfo=ZoneInfo("Europe/Berlin"), fold=1)
        assert sent(late).utcoffset() == timedelta(hours=1)
