"""What the tests of ayl.testing send to. Looking an object up is noted: a test that only looks must not do it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

import pydantic

import ayl

DONE: list[Any] = []
"""What the calls have done."""

FOUND: list[int] = []
"""The keys that were looked for."""


@ayl.value("depot.Colour")
class Colour(Enum):
    RED = "red"
    BLUE = "blue"


@ayl.value("depot.Parcel")
@dataclass
class Parcel:
    weight: int
    contents: list[Any]


@ayl.value("depot.Form")
class Form(pydantic.BaseModel, arbitrary_types_allowed=True):
    """It takes an order, and nothing that stands for one."""

    order: Order
    text: str


class Base:
    def stamp(self, times: int = 1) -> None:
        DONE.append(("stamp", times))


class Order(Base, ayl.Sendable, ayl_name="depot.Order"):
    def __init__(self, key: int | None) -> None:
        self.id = key

    @classmethod
    def find(cls, key: int) -> Order | None:
        FOUND.append(key)
        return cls(key) if key < 1000 else None

    def ship(self, carrier: str, *, insured: bool = False) -> None:
        DONE.append((self.id, carrier, insured))

    def merge(self, others: list[Order], notes: dict[str, Any]) -> None:
        DONE.append((self.id, [other.id for other in others], notes))

    def ship_and_tell(self, carrier: str) -> None:
        self.ship(carrier)
        ayl.send(note, f"{self.id} shipped")
        ayl.send(note, "told")

    @staticmethod
    def count() -> None:
        DONE.append("count")

    @classmethod
    def sweep(cls, age: int) -> None:
        DONE.append((cls, age))


class Return(Order, ayl_name="depot.Return"):
    """Goods that come back."""


@ayl.model("depot.Invoice")
class Invoice:
    """Another kind with keys of the same looks."""

    def __init__(self, key: int) -> None:
        self.id = key

    @classmethod
    def find(cls, key: int) -> Invoice:
        return cls(key)

    def ship(self, carrier: str) -> None:
        DONE.append(("invoice", carrier))


@ayl.task("depot.note")
def note(text: Any, times: int = 1, **more: Any) -> None:
    DONE.append((text, times, *more.items()) if more else text)


@ayl.task("depot.fail")
def fail(text: str) -> None:
    DONE.append(text)
    raise ValueError(text)


@ayl.task("depot.echo")
def echo(number: int) -> None:
    DONE.append(number)
    ayl.send(echo, number + 1)


@ayl.task("depot.wait")
async def wait(text: str) -> None:
    DONE.append(text)
