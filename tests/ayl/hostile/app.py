"""What is registered, and what is not and must not be reached."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Flag, StrEnum
from typing import Any

import ayl

REACHED: list[str] = []
"""What was called, and which private names were read."""

OURS = {
    "__ayl_find__", "__ayl_ref__", "__bases__", "__class__", "__class_getitem__", "__dict__", "__mapper__",
    "__module__", "__mro__", "__name__", "__qualname__",
}  # fmt: skip
"""Private names that isinstance(), str.translate() and our own code read; none of them comes from a message."""


class Unregistered:
    @staticmethod
    def run(*_args: Any, **_kwargs: Any) -> None:
        REACHED.append("Unregistered.run")


def unregistered(*_args: Any) -> None:
    REACHED.append("unregistered")


class Watched(type):
    def listed(cls) -> None:
        REACHED.append("Watched.listed")

    def __getattribute__(cls, name: str) -> Any:
        if name.startswith("_") and name not in OURS:
            REACHED.append(f"Safe.{name}")
        return super().__getattribute__(name)

    def __call__(cls, *args: Any) -> Any:
        if args:
            REACHED.append("Safe(…)")
        return super().__call__()


@ayl.model("hostile.Safe")
class Safe(metaclass=Watched):
    """Only its public methods may be reached, and those only with arguments that fit."""

    id = 1
    helper = Unregistered

    @classmethod
    def find(cls, key: object) -> Safe | None:
        return cls() if key == 1 else None

    def __getattribute__(self, name: str) -> Any:
        if name.startswith("_") and name not in OURS:
            REACHED.append(name)
        return super().__getattribute__(name)

    def _private(self, *_args: Any) -> None:
        REACHED.append("_private called")

    @property
    def total(self) -> int:
        REACHED.append("total")
        return 3

    def ship(self, carrier: str) -> None:
        REACHED.append("ship")

    @staticmethod
    def take(**_kwargs: Any) -> None:
        REACHED.append("take")

    def keep(self, **_kwargs: Any) -> None:
        REACHED.append("keep")


@ayl.model("hostile.Narrow", methods=["open"])
class Narrow:
    id = 1

    @classmethod
    def find(cls, key: object) -> Narrow:
        return cls()

    def open(self) -> None:
        REACHED.append("open")

    def empty(self) -> None:
        REACHED.append("empty")


@ayl.model("hostile.Narrower")
class Narrower(Narrow):
    """What its base class does not let be called stays so."""


@ayl.task("hostile.task")
def task(*_args: Any, **_kwargs: Any) -> None:
    REACHED.append("task")


@ayl.value("hostile.Word")
class Word(StrEnum):
    HI = "{0.__class__}"


@ayl.value("hostile.Rights")
class Rights(Flag):
    READ = 1


class Runs:
    def run(self, *_args: Any) -> None:
        REACHED.append("run")


@ayl.value("hostile.Money")
@dataclass
class Money(Runs):
    amount: int
    run: Any = None  # hides the method, and what a message puts here must not be called

    def _private(self) -> None:
        REACHED.append("Money._private")
