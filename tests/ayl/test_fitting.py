"""Whether a message fits the code that is here, as far as that shows while none of its objects is looked for."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import pytest

import ayl
from ayl import calling
from ayl.errors import CannotRun
from tests.ayl.conftest import written


@ayl.model("fitting.Order")
class Order:
    def __init__(self) -> None:
        raise AssertionError("made")

    @classmethod
    def find(cls, _key: object) -> Order:
        raise AssertionError("looked for")

    def join(self, other: Order, *, note: str = "") -> None: ...

    @staticmethod
    def count(kind: type, number: int = 0) -> None: ...


@ayl.model("fitting.Shape")
class Shape(ABC):
    @classmethod
    def find(cls, _key: object) -> Shape:
        raise AssertionError("looked for")

    @abstractmethod
    def area(self) -> None: ...


@ayl.model("fitting.Name")
class Name(str):
    __slots__ = ()

    @classmethod
    def find_by(cls) -> None: ...


@ayl.task("fitting.draw")
def draw(shape: Shape, name: Name | None = None) -> None: ...


ORDER = {"$ref": ["fitting.Order", 1]}

FITTING: list[dict[str, Any]] = [
    {"on": ORDER, "do": "join", "args": [ORDER], "kwargs": {"note": "x"}},
    {"on": {"$ref": ["fitting.Order"]}, "do": "count", "args": [{"$ref": ["fitting.Order"]}]},
    {"on": [1], "do": "append", "args": [ORDER]},
    {"do": "fitting.draw", "args": [{"$ref": ["fitting.Shape", 1]}]},
    {"do": "fitting.draw", "args": [{"$ref": ["fitting.Shape", 1]}, {"$ref": ["fitting.Name", 1]}]},
]


@pytest.mark.parametrize("fields", FITTING)
def test_a_call_that_could_begin_fits_and_nothing_is_made_or_looked_for(fields: dict[str, Any]) -> None:
    calling.check(written(**fields))


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"on": ORDER, "do": "part"}, "fitting.Order.part does not exist"),
        ({"on": ORDER, "do": "join"}, "missing a required argument: 'other'"),
        ({"on": ORDER, "do": "join", "args": [3]}, "other is a"),
        ({"on": ORDER, "do": "join", "args": [ORDER], "kwargs": {"note": 3}}, "note is a str, not 3"),
        ({"on": ORDER, "do": "join", "args": [{"$ref": ["fitting.Shop", 1]}]}, "no class 'fitting.Shop'"),
        ({"on": {"$ref": ["fitting.Order"]}, "do": "join", "args": [ORDER]}, "is a method of instances"),
        ({"do": "fitting.paint"}, "no function 'fitting.paint'"),
        ({"do": "fitting.draw", "args": [{"$t": ["nonsense"]}]}, "args.* cannot be understood"),
        ({"do": "fitting.draw", "args": [3]}, "shape is a"),
    ],
)
def test_one_that_could_not_says_why(fields: dict[str, Any], fault: str) -> None:
    with pytest.raises(CannotRun, match=fault):
        calling.check(written(**fields))
