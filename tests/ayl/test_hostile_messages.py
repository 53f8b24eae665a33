"""A message that somebody forged reaches nothing that is not registered: no import, no private name, no call."""

from __future__ import annotations

import builtins
import os
import subprocess
import sys
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import pytest

import ayl
from ayl import calling
from ayl.errors import CannotRun, Undecodable
from ayl.message import Message, decode, encode
from tests.ayl.conftest import written

if TYPE_CHECKING:
    from pathlib import Path

REACHED: list[str] = []
"""What was reached and must not be."""

NEVER = "ayl_tripwire"
"""A module that must not be imported."""

HARMLESS = {"__class__", "__dict__"}
"""What isinstance() and the like read."""


class Unregistered:
    @staticmethod
    def run(*_args: Any, **_kwargs: Any) -> None:
        REACHED.append("Unregistered.run")


def unregistered(*_args: Any) -> None:
    REACHED.append("unregistered")


class Meta(type):
    def listed(cls) -> None:
        REACHED.append("Meta.listed")


@ayl.model("hostile.Safe")
class Safe(metaclass=Meta):
    """Registered; but only its public methods may be reached, and those only with arguments that fit."""

    helper = Unregistered

    @classmethod
    def find(cls, key: int) -> Safe:
        return cls()

    def __getattribute__(self, name: str) -> Any:
        if name.startswith("_") and name not in HARMLESS:
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


@ayl.task("hostile.task")
def task(*_args: Any) -> None:
    REACHED.append("task")


@ayl.value("hostile.Word")
class Word(StrEnum):
    HI = "{0.__class__}"


@ayl.value("hostile.Money")
@dataclass
class Money:
    amount: int

    def _private(self) -> None:
        REACHED.append("Money._private")


def trip(name: str) -> Any:
    def tripped(*_args: Any, **_kwargs: Any) -> None:
        REACHED.append(name)

    return tripped


@pytest.fixture(autouse=True)
def _tripwires(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calling.perform(written(on=SAFE, do="ship", args=["ups"]))  # its annotations are text, which Python evaluates once
    (tmp_path / f"{NEVER}.py").write_text("class Thing:\n    def run(): pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    for module, name in [(os, "system"), (os, "popen"), (subprocess, "Popen"), (builtins, "eval")]:
        monkeypatch.setattr(module, name, trip(f"{module.__name__}.{name}"))
    REACHED.clear()


HERE = __name__
SAFE = {"$ref": ["hostile.Safe", 1]}
CLASS = {"$ref": ["hostile.Safe"]}
FITS: dict[str, Any] = {"on": None, "do": "hostile.task"}
NAMES = ["os.system", "builtins.eval", "eval", "__import__", f"{NEVER}.Thing", NEVER, f"{HERE}.Unregistered", "", "."]
PRIVATE = [
    "_private",
    "__init__",
    "__class__",
    "__getattribute__",
    "__reduce_ex__",
    "__subclasshook__",
    "_",
    "__dict__",
]
NO_METHODS = ["total", "helper", "helper.run", "ship.__globals__", "listed", "mro", "nothing", "", "ship ", "ship\0"]
NO_PARTS: list[Any] = ["os", [], {}, None, [1], [None], [["hostile.Safe"]], [[], 1]]
PLAIN: list[Any] = [1, True, 1.5, "x", [], {}, {"$t": ["tuple", []]}]

CORPUS: list[dict[str, Any]] = [
    # Functions that are none of the allow-list
    *({"do": name, "args": ["true"]} for name in [*NAMES, f"{HERE}.unregistered", f"{HERE}.task", "hostile.Safe"]),
    *({"do": name} for name in ["hostile.Safe.take", "hostile.task.__globals__", "hostile.task ", "Hostile.task"]),
    # Receivers that are none
    *({"on": {"$ref": [name]}, "do": "run"} for name in NAMES),
    *({"on": {"$ref": [name, 1]}, "do": "run"} for name in NAMES),
    *({"on": {"$ref": parts}, "do": "take"} for parts in NO_PARTS),
    *({"on": {"$ref": ["hostile.Safe", 1, 2]}, "do": do} for do in ["take", "ship"]),
    {"on": SAFE | {"x": 1}, "do": "ship", "args": ["ups"]},
    {"on": {"$ref": ["hostile.Safe", SAFE]}, "do": "ship", "args": ["ups"]},
    {"on": {"$ref": ["hostile.Word"]}, "do": "upper"},
    {"on": {"$ref": ["hostile.Money", 1]}, "do": "_private"},
    {"on": {"$t": ["value", f"{NEVER}.Thing", {}]}, "do": "run"},
    {"on": {"$t": ["value", f"{HERE}.Unregistered", {}]}, "do": "run"},
    {"on": {"$t": ["value", "hostile.Safe", {}]}, "do": "take"},
    {"on": {"$t": ["value", "hostile.Money", {"amount": 1}]}, "do": "_private"},
    {"on": {"$t": ["value", "hostile.Money", {"amount": 1, "__class__": 1}]}, "do": "__init__"},
    {"on": {"$t": ["enum", "os", "name"]}, "do": "upper"},
    {"on": {"$t": ["enum", "hostile.Word", "__class__"]}, "do": "upper"},
    {"on": {"$t": ["import", "os"]}, "do": "system", "args": ["true"]},
    *({"on": {"$t": ["Path", "/tmp/x"]}, "do": do} for do in ["touch", "unlink", "read_text", "open"]),  # noqa: S108
    *({"on": {"$t": tag}, "do": "run"} for tag in [None, [], "tuple", ["tuple"], [["tuple"]], {"a": 1}, [1]]),
    # Names that are no public methods
    *({"on": on, "do": do} for on in (SAFE, CLASS) for do in [*PRIVATE, *NO_METHODS]),
    *({"on": on, "do": "__class__"} for on in PLAIN),
    *({"on": "{0.__class__}", "do": do, "args": [1]} for do in ["format", "format_map", "__mod__", "__getattribute__"]),
    {"on": {"$t": ["enum", "hostile.Word", "HI"]}, "do": "format", "args": [1]},
    {"on": {"$t": ["enum", "hostile.Word", "HI"]}, "do": "format_map", "args": [{}]},
    # Arguments that do not fit
    {"on": CLASS, "do": "ship", "args": ["ups"]},
    {"on": SAFE, "do": "ship"},
    {"on": SAFE, "do": "ship", "args": ["ups"], "kwargs": {"self": 1}},
    {"on": SAFE, "do": "keep", "kwargs": {"self": 1}},
    # Named arguments that are no names
    *({"on": CLASS, "do": "take", "kwargs": kwargs} for kwargs in [CLASS, {"$ref": [1]}, {"$t": []}, {"$x": 1}]),
    {"on": CLASS, "do": "take", "kwargs": SAFE},
    {"on": CLASS, "do": "take", "kwargs": {"$t": ["tuple", [1]]}},
    {"on": CLASS, "do": "take", "kwargs": {"$t": ["dict", [[1, 2]]]}},
    {"on": SAFE, "do": "keep", "kwargs": {"$t": ["dict", [["self", 2]]]}},
    # Arguments that cannot be read
    *(FITS | {"args": [{"$ref": [name]}]} for name in NAMES),
    *(FITS | {"args": [[{"a": {"$ref": [name, 1]}}]]} for name in NAMES),
    *(FITS | {"args": [{"$t": ["value", name, {}]}]} for name in NAMES),
    *(FITS | {"args": [{"$t": ["enum", name, "x"]}]} for name in NAMES),
    *(FITS | {"args": [{"$t": [name, "x"]}]} for name in ["pickle", "eval", "", "__class__", "object"]),
    FITS | {"args": [{"$t": ["datetime", "2026-01-01T00:00:00", "../../../etc/passwd"]}]},
    FITS | {"args": [{"$t": ["value", "hostile.Money", {"amount": 1, "_private": 2}]}]},
    FITS | {"args": [{"$ref": ["hostile.Safe", SAFE]}]},
    FITS | {"args": [{"$whatever": 1}]},
]


def read_and_perform(message: Message) -> None:
    """What a worker does with a job."""
    read = decode(encode(message))
    assert isinstance(read, Message)
    calling.perform(read)


@pytest.mark.parametrize("forged", CORPUS, ids=lambda forged: str(forged)[:100].replace("\0", "\\0"))
def test_a_forged_message_is_buried_and_reaches_nothing(forged: dict[str, Any]) -> None:
    with pytest.raises(CannotRun) as caught:
        read_and_perform(written(**forged))
    assert str(caught.value)
    assert REACHED == []
    assert NEVER not in sys.modules


def test_the_same_tripwires_notice_what_is_allowed() -> None:
    calling.perform(written(on=SAFE, do="ship", args=["ups"]))
    calling.perform(written(do="hostile.task"))
    assert REACHED == ["ship", "task"]
    Safe()._private()
    assert "_private called" in REACHED


def test_values_nested_without_end_are_refused() -> None:
    deep: Any = []
    for _ in range(500):
        deep = [deep]
    for forged in ({"args": deep}, {"on": deep, "do": "append"}, {"args": [{"$t": ["tuple", [deep]]}]}):
        with pytest.raises(CannotRun):
            calling.perform(written(**(FITS | forged)))
    assert REACHED == []


def test_ruby_text_is_never_evaluated() -> None:
    for code in ("os.system('true')", "Order.find(42).ship", "__import__('os')"):
        with pytest.raises(Undecodable, match="Ruby"):
            decode(b'{"type":"ayl","code":"%b"}' % code.encode())
    assert REACHED == []
