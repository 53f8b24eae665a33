"""What may be called, and with which arguments: refused where it is sent, with a hint."""

from __future__ import annotations

import functools
from collections import UserList
from enum import Enum, StrEnum
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

import ayl
from ayl.errors import ArgumentsDoNotFit, NotCallable, NotRegistered

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.ayl.conftest import Outbox


class Listed(type):
    def listed(cls) -> None: ...


class Parent:
    def inherited(self) -> None: ...

    @classmethod
    def inherited_class_method(cls) -> None: ...


@ayl.model("targets.Order")
class Order(Parent, metaclass=Listed):
    id = 42
    attribute = 3
    helper = SimpleNamespace()

    class Line: ...

    @classmethod
    def find(cls, key: int) -> Order:
        return cls()

    def ship(self, carrier: str, weight: int = 1, *, insured: bool = False) -> None: ...

    def only_named(self, *, carrier: str) -> None: ...

    def only_placed(self, carrier: str, /, weight: int = 1) -> None: ...

    def anything(self, *args: Any, **kwargs: Any) -> None: ...

    def many(self, first: int, *rest: int) -> None: ...

    async def later(self, carrier: str) -> None: ...

    @classmethod
    def make(cls, carrier: str) -> None: ...

    @staticmethod
    def count(since: int = 0) -> None: ...

    @functools.lru_cache  # noqa: B019 - an object that wraps a function
    def cached(self, carrier: str) -> None: ...

    partial = functools.partialmethod(ship, "ups")

    @property
    def total(self) -> int:
        return 3

    @functools.cached_property
    def weight(self) -> int:
        return 3

    def forgot_self() -> None: ...  # type: ignore[misc]

    def items(self) -> Iterator[int]:
        yield 1

    def _private(self) -> None: ...

    def __mangled(self) -> None: ...


@ayl.value("targets.Word")
class Word(StrEnum):
    HI = "hi {0.__class__}"


@ayl.value("targets.OldWord")
class OldWord(str, Enum):  # noqa: UP042 - is what is tested
    HI = "hi {0.__class__}"

    def greet(self) -> None: ...


def refusal(outbox: Outbox, error: type[Exception], send: Callable[[], object]) -> str:
    """What is said about a call that must not leave."""
    with pytest.raises(error) as caught:
        send()
    assert type(caught.value) is error
    assert not outbox.writes
    return str(caught.value)


@pytest.mark.parametrize("name", ["_private", "__init__", "__class__", "_Order__mangled", "_", "__mangled"])
@pytest.mark.parametrize("receiver", [Order(), Order])
def test_private_names_are_refused(receiver: Any, name: str, outbox: Outbox) -> None:
    said = refusal(outbox, NotCallable, lambda: ayl.ayl_send(receiver, name))
    assert said == f"targets.Order.{name} is private: only public methods can be sent"


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("shipp", "targets.Order.shipp does not exist; did you mean 'ship'?"),
        ("Count", "targets.Order.Count does not exist; did you mean 'count'?"),
        ("zzz", "targets.Order.zzz does not exist"),
        ("", "targets.Order. does not exist"),
        ("ship.__globals__", "targets.Order.ship.__globals__ does not exist"),
    ],
)
def test_what_does_not_exist_is_refused_with_a_hint(name: str, hint: str, outbox: Outbox) -> None:
    assert refusal(outbox, NotCallable, lambda: ayl.ayl_send(Order(), name)).startswith(hint)


@pytest.mark.parametrize("name", ["attribute", "helper", "Line", "total", "weight"])
@pytest.mark.parametrize("receiver", [Order(), Order])
def test_what_is_no_method_is_refused(receiver: Any, name: str, outbox: Outbox) -> None:
    assert f"targets.Order.{name} is no method" in refusal(outbox, NotCallable, lambda: ayl.ayl_send(receiver, name))


@pytest.mark.parametrize("name", ["listed", "mro"])
def test_methods_of_the_metaclass_are_no_methods_of_an_instance(name: str, outbox: Outbox) -> None:
    assert f"targets.Order.{name} does not exist" in refusal(outbox, NotCallable, lambda: ayl.ayl_send(Order(), name))


@pytest.mark.parametrize("name", ["ship", "inherited", "later"])
def test_a_method_of_instances_is_not_sent_to_the_class(name: str, outbox: Outbox) -> None:
    said = refusal(outbox, NotCallable, lambda: ayl.ayl_send(Order, name))
    assert said.startswith(f"targets.Order.{name} is a method of instances: send it to one of them, or make it a ")


def test_a_method_that_forgot_self_fits_no_call(outbox: Outbox) -> None:
    refusal(outbox, ArgumentsDoNotFit, lambda: ayl.ayl_send(Order(), "forgot_self"))


def test_a_generator_would_do_nothing_and_is_refused(outbox: Outbox) -> None:
    assert "targets.Order.items" in refusal(outbox, NotCallable, lambda: ayl.ayl_send(Order(), "items"))


@pytest.mark.parametrize("name", ["format", "format_map"])
@pytest.mark.parametrize("receiver", ["{0.__class__}", Word.HI, OldWord.HI])
def test_text_is_not_formatted_because_that_reads_attributes_by_their_names(
    receiver: str, name: str, outbox: Outbox
) -> None:
    assert "cannot be sent" in refusal(outbox, NotCallable, lambda: ayl.ayl_send(receiver, name, {}))


def test_the_other_methods_of_a_value_may_be_called(outbox: Outbox) -> None:
    ayl.ayl_send("a b", "split")
    ayl.ayl_send(OldWord.HI, "greet")
    ayl.ayl_send({"a": 1}, "update", b=2)
    assert [message.on for message in outbox.messages] == ["a b", {"$t": ["enum", "targets.OldWord", "HI"]}, {"a": 1}]


@pytest.mark.parametrize("receiver", [Path("/etc/passwd"), SimpleNamespace(a=1), UserList([1]), object()], ids=repr)
def test_nothing_is_called_on_other_objects(receiver: object, outbox: Outbox) -> None:
    said = refusal(outbox, NotRegistered, lambda: ayl.ayl_send(receiver, "unlink"))
    assert said.endswith(f"{type(receiver).__qualname__} is not registered; decorate it with @ayl.model")


# Arguments

FITTING: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    ("ship", ("ups",), {}),
    ("ship", ("ups", 2), {"insured": True}),
    ("ship", (), {"carrier": "ups"}),
    ("only_named", (), {"carrier": "ups"}),
    ("only_placed", ("ups",), {"weight": 2}),
    ("anything", (), {}),
    ("anything", (1, 2, 3), {"a": 1, "method": 2, "options": 3, "obj": 4, "name": 5}),
    ("many", (1,), {}),
    ("many", (1, 2, 3), {}),
    ("later", ("ups",), {}),
    ("cached", ("ups",), {}),
    ("partial", (), {"weight": 3}),
    ("inherited", (), {}),
]


@pytest.mark.parametrize(("name", "args", "kwargs"), FITTING)
def test_arguments_that_fit_are_sent(name: str, args: tuple[Any, ...], kwargs: dict[str, Any], outbox: Outbox) -> None:
    ayl.ayl_send(Order(), name, *args, **kwargs)
    (message,) = outbox.messages
    assert (message.do, message.args, message.kwargs) == (name, [*args], kwargs)


MISFITS: list[tuple[str, tuple[Any, ...], dict[str, Any], str]] = [
    ("ship", (), {}, "missing a required argument: 'carrier'"),
    ("ship", ("ups", 1, True), {}, "too many positional arguments"),
    ("ship", ("ups",), {"carrier": "dhl"}, "multiple values for argument 'carrier'"),
    ("ship", ("ups",), {"ensured": True}, "got an unexpected keyword argument 'ensured'"),
    ("only_named", ("ups",), {}, "too many positional arguments"),
    ("only_named", (), {}, "missing a required argument: 'carrier'"),
    ("only_placed", (), {"carrier": "ups"}, "'carrier'"),
    ("many", (), {}, "missing a required argument: 'first'"),
    ("later", (), {}, "missing a required argument: 'carrier'"),
    ("cached", (), {}, "missing a required argument: 'carrier'"),
    ("partial", (1, 2), {}, "too many positional arguments"),
    ("inherited", (1,), {}, "too many positional arguments"),
    ("make", (), {}, "missing a required argument: 'carrier'"),
    ("count", (1, 2), {}, "too many positional arguments"),
    ("anything", (), {"self": 1}, "'self'"),
]


@pytest.mark.parametrize(("name", "args", "kwargs", "reason"), MISFITS)
def test_arguments_that_do_not_fit_are_refused_with_the_signature(
    name: str, args: tuple[Any, ...], kwargs: dict[str, Any], reason: str, outbox: Outbox
) -> None:
    said = refusal(outbox, ArgumentsDoNotFit, lambda: ayl.ayl_send(Order(), name, *args, **kwargs))
    assert said.startswith(f"targets.Order.{name}(")
    assert reason in said


@pytest.mark.parametrize(
    ("name", "args"), [("make", ("ups",)), ("count", ()), ("count", (3,)), ("inherited_class_method", ())]
)
@pytest.mark.parametrize(("receiver", "on"), [(Order, ["targets.Order"]), (Order(), ["targets.Order", 42])])
def test_static_and_class_methods_are_sent_to_the_class_or_to_an_instance(
    receiver: Any, on: list[Any], name: str, args: tuple[Any, ...], outbox: Outbox
) -> None:
    ayl.ayl_send(receiver, name, *args)
    assert outbox.messages[0].on == {"$ref": on}
