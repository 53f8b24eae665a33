"""What the annotations of a function say is held against the arguments: where a call is sent, and before it is made."""

from __future__ import annotations

import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum, StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Generic, Literal, NamedTuple, NewType, Protocol, TypedDict, TypeVar
from uuid import UUID, uuid4

import attrs
import msgspec
import pydantic
import pytest
from typing_extensions import TypeAliasType

import ayl
from ayl.annotations import check_of, resolved

if TYPE_CHECKING:
    from ipaddress import IPv4Address as OnlyForTypeCheckers


LOG: list[Any] = []
T = TypeVar("T")


class Colour(Enum):
    RED = 1


class Size(StrEnum):
    BIG = "big"


class Duck(Protocol):
    def quack(self) -> None: ...


class Box(Generic[T]): ...


class Parent:
    id = 1

    @classmethod
    def find(cls, key: int) -> Parent:
        return cls()


@ayl.model("annotations.Customer")
class Customer(Parent): ...


class Regular(Customer): ...


@ayl.value("annotations.Line")
@dataclass
class Line:
    price: Decimal
    parts: list[Line] = field(default_factory=list)
    note: str = None  # type: ignore[assignment] # as people write it
    unknown: OnlyForTypeCheckers | None = None


class Point(NamedTuple):
    x: int


@attrs.define
class Size2:
    width: int


class Struct(msgspec.Struct):
    width: int


class Strict(pydantic.BaseModel):
    width: int


for _cls in (Point, Size2, Struct, Strict, Colour, Size):
    ayl.value(f"annotations.{_cls.__name__}")(_cls)


class Address(TypedDict):
    street: str
    number: typing.NotRequired[int]


Key = NewType("Key", int)
Tree = TypeAliasType("Tree", "dict[str, Tree] | int")  # it names itself

FITTING: list[tuple[Any, list[Any]]] = [
    (bool, [True]),
    (int, [1, True, 10**30]),
    (float, [1.5, 1, True, float("nan")]),
    (complex, [1j, 1.5, 1]),
    (str, ["x", Size.BIG]),
    (bytes, [b"x", bytearray(b"x")]),
    (None, [None]),
    (date, [date(2026, 1, 1), datetime(2026, 1, 1)]),  # noqa: DTZ001 - a naive one is a date as well
    (timedelta, [timedelta(1)]),
    (Decimal, [Decimal(1)]),
    (UUID, [uuid4()]),
    (Colour, [Colour.RED]),
    (int | None, [1, None]),
    (typing.Optional[int], [1, None]),  # noqa: UP045 - the old way of saying it
    (typing.Union[int, str], [1, "x"]),  # noqa: UP007
    (list[int] | str, [[1], "x", []]),
    (list[int], [[], [1, True]]),
    (typing.List[int], [[1]]),  # noqa: UP006
    (list, [[1, "x"]]),
    (typing.List, [[1, "x"]]),  # noqa: UP006
    (dict[str, float], [{}, {"a": 1}]),
    (Mapping[str, int], [{"a": 1}]),
    (Sequence[str], [["a"], ("a",), "a"]),
    (Iterable[int], [[1], {1}, (1,)]),
    (set[int], [{1}]),
    (frozenset[str], [frozenset({"a"})]),
    (tuple[int, str], [(1, "a")]),
    (tuple[int, ...], [(), (1, 2)]),
    (tuple[()], [()]),
    (tuple[int, *tuple[str, ...]], [(1, "a", "b"), (1,)]),
    (Literal["a", 1, Colour.RED], ["a", 1, Colour.RED]),
    (Annotated[int, "of something"], [1]),
    (Key, [1]),
    (Tree, [1, {"a": {"b": 1}}]),
    (Address, [{"street": "a"}, {"street": "a", "number": 1, "further": 2}]),
    (Line, [Line(Decimal(1)), Line(Decimal(1), [Line(Decimal(2))])]),
    (list[Line], [[Line(Decimal(1))]]),
    (Point, [Point(1)]),
    (Size2, [Size2(1)]),
    (Struct, [Struct(1)]),
    (Strict, [Strict(width=1)]),
    (Customer, [Customer(), Regular()]),
    (Parent, [Customer()]),
]

LET_THROUGH: list[Any] = [
    Any, object, T, Duck, Callable[[int], str], Callable, Box[int], type[int], typing.Self, "NowhereDefined",
    pydantic.EmailStr,
    typing.ForwardRef("NowhereDefined"), "int | T", typing.LiteralString, typing.NoReturn, 3, "a b", print, [int],
]  # fmt: skip

MISFITS: list[tuple[Any, Any, str]] = [
    (bool, 1, "x is a bool, not 1 (int)"),
    (int, 1.0, "x is an int, not 1.0 (float)"),
    (int, "1", "x is an int, not '1' (str)"),
    (int, None, "x is an int, not None"),
    (float, "1", "x is a float, not '1' (str)"),
    (float, Decimal(1), "x is a float, not Decimal('1') (Decimal)"),
    (str, b"x", "x is a str, not b'x' (bytes)"),
    (str, Colour.RED, "x is a str, not a tests.ayl.test_annotations.Colour"),
    (bytes, "x", "x is a bytes, not 'x' (str)"),
    (None, 0, "x is None, not 0 (int)"),
    (datetime, date(2026, 1, 1), "x is a datetime, not a date"),
    (Decimal, 1, "x is a Decimal, not 1 (int)"),
    (UUID, "1", "x is a UUID, not '1' (str)"),
    (Colour, 1, "x is a tests.ayl.test_annotations.Colour, not 1 (int)"),
    (int | None, "x", "x is an int or None, not 'x' (str)"),
    (int | str | None, 1.5, "x is an int, a str or None, not 1.5 (float)"),
    (list[int] | None, [1, "x"], "x[1] is an int, not 'x' (str)"),
    (list[int], (1,), "x is a list, not a tuple"),
    (list[list[int]], [[], ["x"]], "x[1][0] is an int, not 'x' (str)"),
    (dict[str, int], {"a": "b"}, "x['a'] is an int, not 'b' (str)"),
    (dict[str, list[int]], {"a": ["b"]}, "x['a'][0] is an int, not 'b' (str)"),
    (dict[int, Any], {"a": 1}, "(a key of x) is an int, not 'a' (str)"),
    (dict[Any, int], {(1,): "b"}, "x[a tuple] is an int, not 'b' (str)"),
    (set[int], {"a"}, "(an element of x) is an int, not 'a' (str)"),
    (tuple[int, str], (1, 2), "x[1] is a str, not 2 (int)"),
    (tuple[int, str], (1,), "x is a tuple of 2, not of 1"),
    (tuple[int, str], [1, "a"], "x is a tuple of 2, not a list"),
    (tuple[int, ...], (1, "a"), "x[1] is an int, not 'a' (str)"),
    (tuple[()], (1,), "x is a tuple of 0, not of 1"),
    (Mapping[str, int], {"a": "b"}, "x['a'] is an int, not 'b' (str)"),
    (Sequence[int], {1}, "x is a collections.abc.Sequence, not a set"),
    (Literal["a", "b"], "c", "x is one of 'a', 'b', not 'c' (str)"),
    (Literal[1], True, "x is 1, not True (bool)"),
    (Annotated[int, "of something"], "a", "x is an int, not 'a' (str)"),
    (Key, "a", "x is an int, not 'a' (str)"),
    (Tree, {"a": {"b": "c"}}, "x['a']['b'] is a dict or an int, not 'c' (str)"),
    (Address, {"street": 1}, "x['street'] is a str, not 1 (int)"),
    (Address, {"street": "a", "number": "b"}, "x['number'] is an int, not 'b' (str)"),
    (Address, {"number": 1}, "x is a dict as Address, not one without 'street'"),
    (Address, 1, "x is a dict as Address, not 1 (int)"),
    (list[Line], [Line(Decimal(1)), Line(1)], "x[1].price is a Decimal, not 1 (int)"),  # type: ignore[arg-type]
    (Line, Line(Decimal(1), [], 3), "x.note is a str or None, not 3 (int)"),  # type: ignore[arg-type]
    (Line, Line(Decimal(1), [1]), "x.parts[0] is a tests.ayl.test_annotations.Line, not 1 (int)"),  # type: ignore[list-item]
    (Point, Point("a"), "x.x is an int, not 'a' (str)"),  # type: ignore[arg-type]
    (Size2, Size2("a"), "x.width is an int, not 'a' (str)"),  # type: ignore[arg-type]
    (Struct, Struct("a"), "x.width is an int, not 'a' (str)"),  # type: ignore[arg-type]
    (Strict, {"width": 1}, "x is a tests.ayl.test_annotations.Strict, not a dict"),
    (Customer, Line(Decimal(1)), "x is a tests.ayl.test_annotations.Customer, not a tests.ayl.test_annotations.Line"),
    (int, "x" * 100, f"x is an int, not '{'x' * 79}… (str)"),
    (str, 10**5000, "x is a str, not an int"),
]


def named(annotation: Any) -> str:
    return "long" if type(annotation) is int and annotation > 10**100 else str(annotation)[:60]


@pytest.mark.parametrize(("annotation", "values"), FITTING, ids=named)
def test_a_value_fits_what_type_checkers_let_it_fit(annotation: Any, values: list[Any]) -> None:
    check = check_of(annotation)
    assert check is not None
    assert [check.look(value) for value in values] == [None] * len(values)


@pytest.mark.parametrize("annotation", LET_THROUGH, ids=named)
def test_an_annotation_that_says_nothing_simple_lets_everything_through(annotation: Any) -> None:
    assert check_of(resolved({"x": annotation}, globals()).get("x", Any)) is None


@pytest.mark.parametrize(("annotation", "value", "said"), MISFITS, ids=named)
def test_a_value_that_does_not_fit_is_told_with_its_place(annotation: Any, value: Any, said: str) -> None:
    check = check_of(annotation)
    assert check is not None
    fault = check.look(value)
    assert fault is not None
    assert fault.told("x") == said
