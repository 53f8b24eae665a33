"""Encoded values that nobody would have written are refused with one short line."""

from __future__ import annotations

import sys
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ayl.values import decode, references
from ayl.values.decoding import BRANCHES, LEAVES

if TYPE_CHECKING:
    from collections.abc import Callable

from .things import Text, deep, everything, find, form, patient, sent, write

# --- messages nobody should send --------------------------------------------------------------------------------

json_leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
names = st.sampled_from(["test.Money", "test.Suit", "test.Right", "test.Point", "test.Stay", "test.Order", "test.Mode"])
tags = st.sampled_from([*LEAVES, *BRANCHES])
tellings = st.sampled_from(
    ["2024-01-02", "2024-01-02T03:04:05", "03:04:05", "nan", "1E+5", "0xff", "YQ==", "HEARTS", "Europe/Berlin", "/a"]
)
hostile = st.recursive(
    json_leaves | tellings | names,
    lambda inner: st.one_of(
        st.lists(inner, max_size=5),
        st.dictionaries(st.text() | st.sampled_from(["$t", "$ref", "amount", "currency", "x", "y"]), inner, max_size=4),
        st.builds(lambda tag, payload: {"$t": [tag, *payload]}, tags, st.lists(inner, max_size=5)),
        st.builds(lambda body: {"$t": body}, inner),
        st.builds(lambda body: {"$ref": body}, inner | st.lists(inner, max_size=3)),
        st.builds(
            lambda name, fields: {"$t": ["value", name, fields]}, names, st.dictionaries(st.text(), inner, max_size=3)
        ),
        st.builds(
            lambda amount, currency: {"$t": ["value", "test.Money", {"amount": amount, "currency": currency}]},
            inner,
            inner,
        ),
        st.builds(lambda items: {"$t": ["dict", items]}, st.lists(st.tuples(inner, inner).map(list), max_size=3)),
        st.builds(lambda tag, items: {"$t": [tag, items]}, tags, st.lists(inner, max_size=3)),
    ),
    max_leaves=20,
)

ADVERSARIAL: list[Any] = [
    {"$t": None},
    {"$t": []},
    {"$t": {}},
    {"$t": "int"},
    {"$t": [[]]},
    {"$t": [{}]},
    {"$t": ["eval", "1"]},
    {"$t": ["__class__"]},
    {"$t": ["int", "0x1"], "more": 1},
    {"more": 1, "$t": ["int", "0x1"]},
    {"$T": ["int", "0x1"]},
    {"$": 1},
    {"a": 1, "$b": 2},
    *(
        {"$t": ["int", text]}
        for text in ("", "1", "0x", "0xG", "0x_1", " 0x1", "0x1\n", "+0x1", "-0x-1", "0X1", "0x\u0661")
    ),
    {"$t": ["int", 1]},
    *({"$t": ["float", text]} for text in ("1", "NaN", " nan", "infinity", "1e999", "-nan", "")),
    *({"$t": ["str", text]} for text in ("a", "YQ", "YQ==\n", " YQ==", "Y Q==", "é", "/w==", "YQ==YQ==", "YQ===")),
    *({"$t": ["bytes", text]} for text in ("a", "YQ", "YQ==\n", "====", "\ud800")),
    {"$t": ["complex", 1, 2]},
    {"$t": ["complex", "1", 2.0]},
    *(
        {"$t": ["Decimal", text]}
        for text in ("", "abc", "1_0", " 1", "1\n", "\u0661", "1e5", "+1", "nan", "inf", "1E+9" + "9" * 20)
    ),
    *({"$t": ["UUID", text]} for text in ("", "0" * 32, "{00000000-0000-0000-0000-000000000000}", "g" * 36)),
    *({"$t": ["date", text]} for text in ("", "2024-02-30", "20240101", "2024-W01-1", "0000-01-01", "10000-01-01")),
    *({"$t": ["time", text]} for text in ("", "24:00", "1:2", "01:02", "010203", "01:02:03Z", "T01:02:03")),
    *(
        {"$t": ["datetime", *parts]}
        for parts in (
            ["2024-01-01 00:00:00"],
            ["2024-01-01"],
            ["2024-01-01T00:00:00Z"],
            ["2024-01-01T00:00:00+25:00"],
            ["2024-01-01T00:00:00+00:00:00.000001"],
            ["2024-01-01T00:00:00", None, 2],
            ["2024-01-01T00:00:00", None, True],
            ["2024-01-01T00:00:00", None, None],
            ["2024-01-01T00:00:00", None, 0, "CET"],
            ["2024-01-01T00:00:00", 10**30],
            ["2024-01-01T00:00:00", 86_400_000_000],
            ["2024-01-01T00:00:00", True],
            ["2024-01-01T00:00:00+01:00", "Europe/Berlin"],
            ["2024-01-01T00:00:00+01:00", 3],
            ["2024-01-01T00:00:00", "Europe/Berlin", 0, "CET"],
            ["2024-01-01T00:00:00", "No/Such_Zone"],
            ["2024-01-01T00:00:00", "Europe"],
            ["2024-01-01T00:00:00", "../../etc/passwd"],
            ["2024-01-01T00:00:00", "/etc/passwd"],
            ["2024-01-01T00:00:00", "Europe/Berlin\0"],
            ["2024-01-01T00:00:00", "Europe/Berlin\n"],
            ["2024-01-01T00:00:00", "os.path"],
            ["2024-01-01T00:00:00", "leapseconds"],
            ["2024-01-01T00:00:00", ""],
            ["2024-01-01T00:00:00", "x" * 100_000],
        )
    ),
    {"$t": ["timedelta", 10**10, 0, 0]},
    {"$t": ["timedelta", 10**400, 0, 0]},
    {"$t": ["timedelta", 0, 86_400, 0]},
    {"$t": ["timedelta", 0, -1, 0]},
    {"$t": ["timedelta", 0.5, 0, 0]},
    {"$t": ["timedelta", True, 0, 0]},
    {"$t": ["range", 1, 2, 0]},
    {"$t": ["range", 1, 2]},
    {"$t": ["range", 1.0, 2, 1]},
    {"$t": ["range", {"$t": ["str", "YQ=="]}, 2, 1]},
    {"$t": ["Path", 1]},
    {"$t": ["Path", ["a"]]},
    {"$t": ["tuple"]},
    {"$t": ["tuple", 1, 2]},
    {"$t": ["tuple", {"a": 1}]},
    {"$t": ["set", [[]]]},
    {"$t": ["set", [{}]]},
    {"$t": ["set", [1, 1]]},
    {"$t": ["set", [1, True]]},
    {"$t": ["set", [{"$t": ["Decimal", "sNaN"]}]]},
    {"$t": ["frozenset", [{"$t": ["set", []]}]]},
    {"$t": ["dict", [[1]]]},
    {"$t": ["dict", [[1, 2, 3]]]},
    {"$t": ["dict", [1]]},
    {"$t": ["dict", {"a": 1}]},
    {"$t": ["dict", [[[], 1]]]},
    {"$t": ["dict", [[1, 2], [1, 3]]]},
    {"$t": ["enum", "os", "HEARTS"]},
    {"$t": ["enum", "test.Money", "amount"]},
    {"$t": ["enum", "test.Suit", {"$t": ["tuple", []]}]},
    {"$t": ["flag", "test.Right", True]},
    {"$t": ["flag", "test.Money", 1]},
    {"$t": ["value", "test.Money"]},
    {"$t": ["value", "test.Money", []]},
    {"$t": ["value", "test.Money", {}]},
    {"$t": ["value", "test.Money", {"amount": 1}]},
    {"$t": ["value", "test.Money", {"amount": 1, "currency": 2, "__class__": 3}]},
    {"$t": ["value", "test.Money", {"amount": 1, "currency": 2, "$x": 3}]},
    {"$t": ["value", "test.Money", {"$t": ["tuple", []]}]},
    {"$t": ["value", "test.Money", {"$t": ["dict", [[1, 2]]]}]},
    {"$t": ["value", "test.Suit", {}]},
    {"$t": ["value", "test.Positive", {"number": "a"}]},
    {"$t": ["value", "test.Positive", {"number": 0}]},
    {"$t": ["value", "subprocess.Popen", {"args": "true"}]},
    {"$t": ["value", "x" * 100_000, {}]},
    {"$t": ["set", [{"$t": ["value", "test.Money", {"amount": [], "currency": 1}]}]]},
]


class TestHostileMessages:
    @pytest.mark.parametrize("data", ADVERSARIAL, ids=lambda data: repr(data)[:60].encode("ascii", "replace").decode())
    def test_what_nobody_would_have_written_is_a_value_error_of_one_short_line(self, data: Any) -> None:
        for message in (data, [data], {"a": data}, {"$t": ["tuple", [data]]}):
            with pytest.raises(ValueError, match=r"\w") as refused:
                decode(message, find)
            said = str(refused.value)
            assert "\n" not in said
            assert len(said) < 700

    @patient
    @given(hostile)
    def test_any_json_is_read_or_is_a_value_error(self, data: Any) -> None:
        try:
            made = decode(data, find)
        except ValueError:
            return
        # What is read can be written again, and is then the same: nothing half-understood gets through.
        assert form(sent(made)) == form(made)

    @patient
    @given(hostile)
    def test_any_json_is_searched_for_references_or_is_a_value_error(self, data: Any) -> None:
        try:
            found = list(references(data))
        except ValueError:
            return
        assert all(type(parts[0]) is str and 1 <= len(parts) <= 2 for parts in found)

    @patient
    @given(everything, st.data())
    def test_a_message_changed_in_one_place_is_read_or_is_a_value_error(self, thing: Any, draw: st.DataObject) -> None:
        data = write([thing])
        places = list(_places(data))
        container, index = draw.draw(st.sampled_from(places))
        container[index] = draw.draw(hostile)
        try:
            decode(data, find)
        except ValueError:
            return

    @pytest.mark.parametrize("tag", [*LEAVES, *BRANCHES])
    @pytest.mark.parametrize(
        "payload", [[], [None], [[[]], 1], [{}], [{"$t": ["no"]}], ["", ""], [None] * 9, [1, [], {}]]
    )
    def test_every_tag_refuses_what_it_does_not_take(self, tag: str, payload: list[Any]) -> None:
        with pytest.raises(ValueError, match=r"\w"):
            decode({"$t": [tag, *payload]}, find)

    @pytest.mark.parametrize(
        "wrap",
        [
            lambda inner: [inner],
            lambda inner: {"a": inner},
            lambda inner: {"$t": ["tuple", [inner]]},
            lambda inner: {"$t": ["tuple", inner]},
            lambda inner: {"$t": ["dict", [[inner, 1]]]},
            lambda inner: {"$t": ["dict", [[1, inner]]]},
            lambda inner: {"$t": ["str", inner]},
            lambda inner: {"$t": ["range", inner, 2, 1]},
            lambda inner: {"$t": ["value", "test.Money", {"amount": inner, "currency": 1}]},
            lambda inner: {"$t": ["value", "test.Money", inner]},
            lambda inner: {"$t": inner},
            lambda inner: {"$ref": inner},
            lambda inner: {"$ref": ["x", inner]},
        ],
    )
    def test_hostile_nesting_is_a_value_error(self, wrap: Callable[[Any], Any]) -> None:
        data = deep(5000, wrap)
        with pytest.raises(ValueError, match=r"\w"):
            decode(data, find)
        try:
            list(references(data))
        except ValueError:
            return

    def test_reading_imports_nothing(self) -> None:
        before = set(sys.modules)
        for name in ("this", "antigravity", "this.s", "idlelib.idle"):
            hostile_bodies: list[list[Any]] = [
                ["value", name, {}],
                ["enum", name, "a"],
                ["datetime", "2024-01-01T00:00:00", name],
                [name, 1],
            ]
            for data in hostile_bodies:
                with pytest.raises(ValueError, match=r"\w"):
                    decode({"$t": data}, find)
        assert set(sys.modules) - before <= {"tzdata"}

    def test_a_huge_range_or_exponent_costs_nothing(self) -> None:
        assert decode({"$t": ["range", 0, 2**62, 1]}, find) == range(2**62)
        assert str(decode({"$t": ["Decimal", "1E+999999999999"]}, find)) == "1E+999999999999"

    def test_what_is_no_json_is_refused_too(self) -> None:
        for thing in ((1,), {1}, b"", object(), Text("a"), OrderedDict()):
            with pytest.raises(ValueError, match="a message holds JSON"):
                decode([thing], find)


def _places(data: Any) -> Any:
    if isinstance(data, list):
        for index, item in enumerate(data):
            yield data, index
            yield from _places(item)
    elif isinstance(data, dict):
        for key, item in data.items():
            yield data, key
            yield from _places(item)
