"""The allow-list: what is declared, and under which name."""

from __future__ import annotations

import importlib
import sys
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

import pytest

import ayl
from ayl.errors import NotRegistered
from ayl.registry import registry

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

    from tests.ayl.conftest import Outbox


class Mixin:
    @staticmethod
    def count() -> None: ...


@ayl.model
class Plain(Mixin):
    """Named after its module."""


class Typed(Mixin, ayl.Sendable):
    """The same for type checkers."""


class Named(Mixin, ayl.Sendable, ayl_name="local.Named"): ...


class Abstract(Mixin, ayl.Sendable, ayl_name=None): ...


class Concrete(Abstract): ...


@ayl.task
def restock() -> None: ...


# Names


@pytest.mark.parametrize(
    ("cls", "name"),
    [
        (Plain, f"{__name__}.Plain"),
        (Typed, f"{__name__}.Typed"),
        (Named, "local.Named"),
        (Concrete, f"{__name__}.Concrete"),
    ],
)
def test_a_class_is_named_after_its_module_unless_it_is_given_a_name(cls: type, name: str, outbox: Outbox) -> None:
    ayl.ayl_send(cls, "count")
    assert outbox.messages[0].on == {"$ref": [name]}


def test_a_function_is_named_after_its_module_unless_it_is_given_a_name(outbox: Outbox) -> None:
    @ayl.task("local.restock")
    def named() -> None: ...

    ayl.send(restock)
    ayl.send(named)
    assert [message.do for message in outbox.messages] == [f"{__name__}.restock", "local.restock"]


def test_the_decorators_give_back_what_they_decorate() -> None:
    def function() -> int:
        return 3

    cls = type("Order", (), {})
    assert ayl.task("f")(function) is function
    assert ayl.model("c")(cls) is cls
    assert function() == 3


@pytest.mark.parametrize("cls", [Plain, Typed, Named, Concrete])
def test_a_class_and_its_instances_gain_both_methods(cls: Any, outbox: Outbox) -> None:
    cls.ayl_send("count")
    cls.ayl_send_opts("count", {"delay": 7})
    assert [submission.delay for submission in outbox.submissions] == [0, 7]
    assert callable(cls().ayl_send)
    assert callable(cls().ayl_send_opts)


def test_a_class_without_a_name_is_left_out_and_its_subclasses_are_not() -> None:
    assert Abstract not in registry.model_names
    with pytest.raises(NotRegistered, match=r"the class Abstract is not registered"):
        Abstract.ayl_send("count")


def test_a_subclass_of_a_decorated_class_is_registered_for_itself_or_not_at_all() -> None:
    class Sub(Plain): ...

    with pytest.raises(NotRegistered, match=r"Sub is not registered; decorate it with @ayl.model"):
        Sub.ayl_send("count")  # type: ignore[attr-defined]


def test_a_class_keeps_its_old_name_beside_the_new_one(inline: None) -> None:
    calls = []

    @ayl.model("new.Order")
    @ayl.model("old.Order")
    class Order:
        @staticmethod
        def ship() -> None:
            calls.append("shipped")

    assert registry.model_names[Order] == "new.Order"
    assert registry.model("old.Order") is registry.model("new.Order") is Order
    Order.ayl_send("ship")  # type: ignore[attr-defined]
    assert calls == ["shipped"]


def test_a_value_is_declared_with_the_same_words(outbox: Outbox) -> None:
    @ayl.value("local.Money")
    @dataclass
    class Money:
        amount: int

    @ayl.value("local.Colour")
    class Colour(Enum):
        RED = 1

    ayl.ayl_send([], "append", (Money(3), Colour.RED))
    assert outbox.messages[0].args == [
        {"$t": ["tuple", [{"$t": ["value", "local.Money", {"amount": 3}]}, {"$t": ["enum", "local.Colour", "RED"]}]]}
    ]


# Names that are taken


def test_a_name_stands_for_one_class() -> None:
    ayl.model("local.Order")(type("One", (), {}))
    with pytest.raises(NotRegistered, match=r"'local.Order' already names the class .*One; give one of them another"):
        ayl.model("local.Order")(type("Other", (), {}))


def test_a_name_stands_for_one_function() -> None:
    def one() -> None: ...
    def other() -> None: ...

    ayl.task("local.f")(one)
    with pytest.raises(NotRegistered, match=r"'local.f' already names the function .*one; give one of them another"):
        ayl.task("local.f")(other)
    assert registry.task("local.f") is one


@pytest.fixture
def stock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A module that can be loaded again."""
    (tmp_path / "stock.py").write_text(
        "import ayl\n"
        "@ayl.model\n"
        "class Shelf:\n"
        "    @staticmethod\n"
        "    def count(): CALLS.append(GENERATION)\n"
        "@ayl.task\n"
        "def order(): CALLS.append(GENERATION)\n"
        "CALLS = globals().get('CALLS', [])\n"
        "GENERATION = globals().get('GENERATION', 0) + 1\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "stock", raising=False)
    return importlib.import_module("stock")


def test_after_a_reload_the_new_class_and_function_answer_and_the_old_ones_do_not(
    stock: ModuleType, inline: None
) -> None:
    old_class, old_function = stock.Shelf, stock.order
    importlib.reload(stock)
    stock.Shelf.ayl_send("count")
    ayl.send(stock.order)
    assert stock.CALLS == [2, 2]
    with pytest.raises(NotRegistered):
        old_class.ayl_send("count")
    with pytest.raises(NotRegistered):
        ayl.send(old_function)
