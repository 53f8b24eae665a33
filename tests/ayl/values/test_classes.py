"""Instances of registered classes travel by value."""

from __future__ import annotations

import importlib
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from ayl.values import decode, value

from .things import Eject, Mode, Order, Pair, Point, Right, Sealed, Suit, find, form, sent, write

if TYPE_CHECKING:
    import enum


class TestRegisteredClasses:
    def test_fields_outside_the_constructor_are_set_even_on_a_frozen_class_with_slots(self) -> None:
        thing = Sealed(1)
        object.__setattr__(thing, "end", 99)
        assert sent(thing) == thing
        assert sent(thing).end == 99

    def test_the_constructor_checks_what_a_message_brings(self) -> None:
        with pytest.raises(ValueError, match=r"^test\.Positive does not accept its fields: -1$"):
            decode({"$t": ["value", "test.Positive", {"number": -1}]}, find)

    def test_a_named_tuple_stays_one_and_an_untyped_one_too(self) -> None:
        value("test.Pair")(Pair)
        try:
            assert type(sent(Pair(1, (2,)))) is Pair
            assert sent(Point(1, 2)) == Point(1, 2)
        finally:
            from ayl.values import classes

            del classes.NAMES["test.Pair"], classes.CODECS[Pair]

    def test_a_struct_travels_by_its_attribute_names(self) -> None:
        assert write(Order([1]))["$t"][2] == {"line_items": [1], "paid": False}

    def test_an_enum_is_found_by_the_names_of_its_members_alone(self) -> None:
        for name in ("__class__", "mro", "name", "_member_map_", "♥", ""):
            with pytest.raises(ValueError, match="has no member"):
                decode({"$t": ["enum", "test.Suit", name]}, find)
        assert decode({"$t": ["enum", "test.Suit", "PIKES"]}, find) is Suit.SPADES

    @pytest.mark.parametrize("flag", [Right(0), Right(7), Right.READ, Mode(0), Mode(64), Mode(2**70), Eject.ONE])
    def test_combinations_of_a_flag_travel_by_value(self, flag: enum.Flag) -> None:
        assert form(sent(flag)) == form(flag)

    @pytest.mark.parametrize(("name", "bits"), [("Right", 8), ("Right", -1), ("Eject", 2), ("Suit", 1), ("Mode", -1)])
    def test_bits_that_a_flag_does_not_know_are_refused(self, name: str, bits: int) -> None:
        with pytest.raises(ValueError, match=f"test.{name}"):
            decode({"$t": ["flag", f"test.{name}", bits]}, find)

    def test_attrs_classes_travel(self) -> None:
        attr = importlib.import_module("attr")
        cls = attr.make_class(
            "Rate",
            {"plain": attr.ib(), "_hidden": attr.ib(default=2), "late": attr.ib(init=False)},
            frozen=True,
            slots=True,
        )
        thing = cls(1, hidden=Decimal(3))
        with pytest.raises(TypeError, match=r"register it with @ayl\.value"):
            write(thing)
        value("test.Rate")(cls)
        with pytest.raises(TypeError, match=r"^args has a field without a value"):
            write(thing)
        object.__setattr__(thing, "late", (1,))
        assert sent(thing) == thing
        with pytest.raises(ValueError, match="lacks the field '_hidden'"):
            decode({"$t": ["value", "test.Rate", {"plain": 1, "late": 2}]}, find)


@pytest.fixture(scope="module")
def pydantic() -> Any:
    return importlib.import_module("pydantic")


@pytest.fixture(scope="module")
def guest(pydantic: Any) -> Any:
    alias = pydantic.AliasChoices("n", pydantic.AliasPath("names", 0))
    base = pydantic.create_model(
        "Guest",
        __config__={"extra": "allow", "frozen": True},
        name=(str, pydantic.Field(validation_alias=alias)),
        rate=(Decimal, pydantic.Field(default=Decimal(1), gt=0, alias="Rate")),
        friend=(Any, None),
        _seen=(Any, pydantic.PrivateAttr(default=0)),
    )
    return value("test.Guest")(base)


class TestPydanticModels:
    def test_fields_come_back_with_types_aliases_extras_private_ones_and_what_was_set(self, guest: Any) -> None:
        plain = guest(n="a")
        full = guest(n="b", Rate="2.50", friend=(plain, {1}), colour=frozenset({1}), **{"$odd": 1})
        full._seen = {2}
        for thing in (plain, full):
            back = sent(thing)
            assert back == thing
            assert type(back) is guest
            assert back.model_fields_set == thing.model_fields_set
            assert back._seen == thing._seen
        assert type(sent(full).friend[0]) is guest

    def test_an_unregistered_model_is_refused_with_the_cure(self, pydantic: Any) -> None:
        with pytest.raises(TypeError, match=r"register it with @ayl\.value"):
            write(pydantic.create_model("Local")())

    def test_a_refused_field_names_its_place(self, guest: Any) -> None:
        with pytest.raises(TypeError, match=r"^args\[0\]\.friend\[1\] is of type object"):
            write([guest(n="a", friend=[1, object()])])
        with pytest.raises(TypeError, match=r"^args\.model_extra\['colour'\] is of type object"):
            write(guest(n="a", colour=object()))

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            ({"rate": -1}, "greater than 0"),
            ({"name": 3}, "valid string"),
            ({"other": 1}, "no field 'other'"),
            ({"model_extra": 3}, "takes a dict of names as model_extra"),
            ({"model_extra": {"name": "x"}}, "extra"),
            ({"__pydantic_private__": {"__class__": 3}}, "private"),
            ({"__pydantic_private__": 3}, "takes a dict of names"),
            ({"model_fields_set": ["name"]}, "takes a set of names"),
            ({"model_fields_set": {"$t": ["set", ["__dict__"]]}}, "were set"),
        ],
    )
    def test_what_the_model_did_not_declare_is_refused(self, guest: Any, change: dict[str, Any], said: str) -> None:
        fields = {"name": "a", "rate": 1, "friend": None}
        decode({"$t": ["value", "test.Guest", fields]}, find)
        with pytest.raises(ValueError, match=said) as refused:
            decode({"$t": ["value", "test.Guest", fields | change]}, find)
        assert "\n" not in str(refused.value)

    def test_extra_fields_are_refused_where_the_model_would_drop_them(self, pydantic: Any) -> None:
        value("test.Strict")(pydantic.create_model("Strict", a=(int, ...)))
        with pytest.raises(ValueError, match="does not allow the extra fields"):
            decode({"$t": ["value", "test.Strict", {"a": 1, "model_extra": {"b": 2}}]}, find)

    def test_a_root_model_travels(self, pydantic: Any) -> None:
        cls = value("test.Root")(type("Root", (pydantic.RootModel[list[int]],), {"__module__": __name__}))
        assert sent(cls([1, 2])) == cls([1, 2])

    def test_a_pydantic_dataclass_travels(self, pydantic: Any) -> None:
        cls = value("test.PydanticStay")(pydantic.dataclasses.dataclass(type("S", (), {"__annotations__": {"a": int}})))
        assert sent(cls(1)) == cls(1)
