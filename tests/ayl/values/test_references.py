"""Stored objects travel by their names."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from ayl.values import decode, encode, references

from .things import Money, Stored, Suit, find, sent, write


class TestReferences:
    def test_an_object_that_can_be_found_again_travels_as_a_reference(self) -> None:
        assert write([Stored(42), Stored]) == [{"$ref": ["test.Stored", 42]}, {"$ref": ["test.Stored"]}]
        assert sent([Stored(42), Stored]) == [Stored(42), Stored]

    def test_a_key_may_be_any_value(self) -> None:
        thing = Stored((1, UUID(int=3)))
        assert sent(thing) == thing

    def test_a_reference_goes_before_the_value_class(self) -> None:
        assert encode(Money(1), "args", lambda _: ["shop.Money", 7]) == {"$ref": ["shop.Money", 7]}

    def test_plain_and_tagged_values_are_never_asked_about(self) -> None:
        asked: list[object] = []

        def ask(thing: object) -> None:
            asked.append(thing)

        encode([1, "a", None, 2.5, (1, {2}), Decimal(1), {"a": {3: b""}}, Money(1), Suit.HEARTS], "args", ask)
        assert asked == [Money(1), Suit.HEARTS]

    def test_what_refer_raises_is_let_through_as_it_is(self) -> None:
        class UnsavedError(TypeError):
            pass

        def unsaved(_thing: object) -> None:
            raise UnsavedError("the order was never saved")

        with pytest.raises(UnsavedError, match=r"^the order was never saved$"):
            encode([[Stored(None)]], "args", unsaved)

    def test_what_find_raises_is_let_through_as_it_is(self) -> None:
        def gone(_parts: list[Any]) -> object:
            raise LookupError("gone")

        with pytest.raises(LookupError, match=r"^gone$"):
            decode({"$t": ["value", "test.Money", {"amount": {"$ref": ["x", 1]}, "currency": ""}]}, gone)

    def test_a_key_that_cannot_travel_names_its_place(self) -> None:
        with pytest.raises(TypeError, match=r"^\(the key of args\[0\]\) is of type object: "):
            write([Stored(object())])

    def test_a_key_holds_no_reference_in_turn(self) -> None:
        with pytest.raises(TypeError, match=r"^\(the key of args\)\[1\] is of type .*Stored"):
            write(Stored((1, Stored(2))))
        with pytest.raises(ValueError, match="no other reference"):
            decode({"$ref": ["test.Stored", {"$ref": ["test.Stored", 1]}]}, find)

    def test_all_references_are_listed_in_order_as_find_will_get_them(self) -> None:
        key = UUID(int=9)
        data = write([Stored(1), {"a": (Stored(key), 5)}, {Stored(2): Money(Stored(3))}, Stored])
        named = "test.Stored"
        assert list(references(data)) == [[named, 1], [named, key], [named, 2], [named, 3], [named]]

        found: list[list[Any]] = []
        decode(data, lambda parts: found.append(parts) or len(found))  # type: ignore[func-returns-value]
        assert sorted(map(str, found)) == sorted(map(str, references(data)))

    def test_a_users_dict_that_looks_like_a_reference_is_none(self) -> None:
        assert list(references(write([{"$ref": ["test.Stored", 1]}]))) == []
        assert sent({"$ref": ["test.Stored", 1]}) == {"$ref": ["test.Stored", 1]}

    @pytest.mark.parametrize(
        "data",
        [
            {"$ref": []},
            {"$ref": "x"},
            {"$ref": {"a": 1}},
            {"$ref": [1]},
            {"$ref": ["x", 1, 2]},
            {"$ref": ["x"], "y": 1},
            {"$ref": ["x"], "$t": ["int", "0x1"]},
            {"$ref": ["x", {"$t": ["no"]}]},
        ],
    )
    def test_a_malformed_reference_is_a_value_error_for_both_readers(self, data: object) -> None:
        with pytest.raises(ValueError, match=r"\w"):
            decode(data, find)
        with pytest.raises(ValueError, match=r"\w"):
            list(references([data]))
