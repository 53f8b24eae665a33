"""The allow-list: what is declared, and under which name."""

from __future__ import annotations

import importlib
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

import attrs
import pytest

import ayl
from ayl.calling import perform
from ayl.errors import CannotRun, NotCallable, NotRegistered
from ayl.registry import registry
from tests.ayl.conftest import written

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
    with pytest.raises(NotRegistered, match=r"the class \S+\.Abstract is not registered"):
        Abstract.ayl_send("count")


def test_a_subclass_of_a_decorated_class_is_registered_for_itself_or_not_at_all() -> None:
    class Sub(Plain): ...

    with pytest.raises(NotRegistered, match=r"Sub is not registered; decorate it with @ayl.model"):
        Sub.ayl_send("count")  # type: ignore[attr-defined]


# Names that were


def test_a_renamed_class_is_still_found_by_messages_that_wait_under_its_old_names() -> None:
    calls = []

    @ayl.model("moved.Order", was=["sales.Order", "crm.Order"])
    class Order:
        @staticmethod
        def ship() -> None:
            calls.append("shipped")

    assert registry.model_names[Order] == "moved.Order"
    for name in ("moved.Order", "sales.Order", "crm.Order"):
        perform(written(on={"$ref": [name]}, do="ship"))
    assert calls == ["shipped"] * 3


def test_a_moved_function_is_still_found_under_its_old_name() -> None:
    @ayl.task("new.place.restock", was="old.place.restock")
    def moved() -> None: ...

    assert registry.task("old.place.restock") is registry.task("new.place.restock") is moved


def test_a_sendable_class_says_what_it_was_in_its_head() -> None:
    class Order(ayl.Sendable, ayl_name="shop.Order2", ayl_was="sales.Order2"): ...

    assert registry.model("sales.Order2") is Order


def test_an_old_name_that_another_class_has_is_refused_and_nothing_is_registered() -> None:
    ayl.model("taken.Order")(type("One", (), {}))
    with pytest.raises(NotRegistered, match=r"'taken.Order' already names the class .*One"):
        ayl.model("free.Order", was=["taken.Order"])(type("Other", (), {}))
    with pytest.raises(NotRegistered):
        registry.model("free.Order")


@pytest.mark.parametrize("was", ["", " a", [""], [3]], ids=repr)
def test_what_is_no_name_was_none(was: Any) -> None:
    with pytest.raises(NotRegistered, match="is no name for a class"):
        ayl.model("free.Order", was=was)(type("Order", (), {}))


# Methods that may be called


def test_a_class_may_name_the_only_methods_that_may_be_called(outbox: Outbox) -> None:
    @ayl.model("local.Till", methods=["count"])
    class Till(Mixin):
        @staticmethod
        def empty() -> None: ...

    ayl.ayl_send(Till, "count")
    with pytest.raises(NotCallable, match=r"local.Till.empty is not among the methods that may be sent: count"):
        ayl.ayl_send(Till, "empty")
    assert len(outbox.messages) == 1


def test_a_message_cannot_call_what_the_class_does_not_allow_either() -> None:
    class Till(Mixin, ayl.Sendable, ayl_name="local.Till2", ayl_methods=()):
        """Nothing of it can be sent."""

    with pytest.raises(CannotRun, match=r"local.Till2.count is not among the methods that may be sent: none"):
        perform(written(on={"$ref": ["local.Till2"]}, do="count"))


def test_a_slip_among_the_methods_is_told_where_the_class_is_declared() -> None:
    with pytest.raises(NotRegistered, match=r"local.Till3 has no method 'cuont', which methods="):
        ayl.model("local.Till3", methods=["cuont"])(type("Till", (Mixin,), {}))
    with pytest.raises(NotRegistered):
        registry.model("local.Till3")


def test_a_private_method_cannot_be_allowed() -> None:
    with pytest.raises(NotRegistered, match=r"local.Till4._empty is private"):
        ayl.model("local.Till4", methods=["_empty"])(type("Till", (), {"_empty": lambda till: None}))


# Classes that a decorator makes anew


@pytest.mark.parametrize("anew", [dataclass(slots=True), attrs.define], ids=["dataclass", "attrs"])
def test_what_a_sendable_class_says_holds_when_a_decorator_makes_it_anew(anew: Any, outbox: Outbox) -> None:
    @anew
    class Till(
        Mixin, ayl.Sendable, ayl_name="anew.Till", ayl_was="anew.Box", ayl_methods=["count"], ayl_gone="discard"
    ):
        id: int = 1

        def empty(self) -> None: ...

    @anew
    class Abstract(ayl.Sendable, ayl_name=None):
        id: int = 1

    assert registry.model("anew.Till") is registry.model("anew.Box") is Till
    assert registry.model_names[Till] == "anew.Till"
    assert registry.gone_policy(Till) == "discard"
    assert Abstract not in registry.model_names
    with pytest.raises(NotCallable, match="is not among the methods that may be sent: count"):
        ayl.ayl_send(Till(), "empty")

    class Special(Till, ayl_name="anew.Special"):
        """Says for itself what it is called."""

    assert registry.model_names[Special] == "anew.Special"


def test_a_model_that_is_decorated_below_what_makes_it_anew_is_refused_with_the_cure() -> None:
    @dataclass(slots=True)
    @ayl.model("anew.Order")
    class Order:
        id: int = 1

    with pytest.raises(NotRegistered, match=r"registered, but not this one of it: .* @ayl\.model stands above"):
        ayl.ayl_send(Order(), "ship")


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
    def send() -> None:
        stock.Shelf.ayl_send("count")
        ayl.send(stock.Shelf.count)
        ayl.send(stock.order)

    send()
    old_class, old_function = stock.Shelf, stock.order
    importlib.reload(stock)
    send()
    assert stock.CALLS == [1, 1, 1, 2, 2, 2]
    with pytest.raises(NotRegistered, match="loaded anew"):
        old_class.ayl_send("count")
    with pytest.raises(NotRegistered):
        ayl.send(old_function)


def test_after_a_reload_the_old_class_answers_to_no_name_that_it_had() -> None:
    def declare(was: list[str]) -> type:
        @ayl.model("again.Order", was=was)
        class Order: ...

        return Order

    declare(["again.Sale"])
    new = declare([])
    assert registry.model("again.Order") is new
    with pytest.raises(NotRegistered, match="was it renamed"):
        registry.model("again.Sale")


def test_models_may_be_declared_while_other_threads_send() -> None:
    # As where modules are imported when they are first needed.
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    stop = threading.Event()

    def declare() -> None:
        number = 0
        while not stop.is_set():
            ayl.model(f"many.M{number}")(type(f"M{number}", (), {}))
            number += 1

    declaring = threading.Thread(target=declare)
    declaring.start()
    try:
        for _ in range(1000):
            with suppress(NotRegistered):  # after a look at all models
                ayl.send(Mixin.count)
    finally:
        stop.set()
        declaring.join()
        sys.setswitchinterval(interval)
