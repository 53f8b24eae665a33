"""ayl.send(callable, …): which message a callable stands for."""

from __future__ import annotations

import functools
import os
from typing import TYPE_CHECKING, Any

import pytest

import ayl
from ayl.errors import ArgumentsDoNotFit, CannotSend, NotCallable, NotRegistered

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.ayl.conftest import Outbox


def nameless(method: Callable[[Any], None]) -> Callable[[Any], None]:
    """A decorator that leaves functools.wraps out."""

    def wrapper(order: Any) -> None:
        method(order)

    return wrapper


class Parent:
    def inherited(self) -> None: ...

    @classmethod
    def inherited_class_method(cls) -> None: ...

    @staticmethod
    def inherited_static() -> None: ...


class Order(Parent, ayl.Sendable, ayl_name="typed.Order"):
    id = 42

    @classmethod
    def find(cls, key: int) -> Order:
        return cls()

    def ship(self, carrier: str = "ups") -> None: ...

    deliver = ship

    @classmethod
    def make(cls, carrier: str = "ups") -> None: ...

    @staticmethod
    def count(carrier: str = "ups") -> None: ...

    async def later(self, carrier: str = "ups") -> None: ...

    @nameless
    def decorated(self) -> None: ...

    overnight = functools.partialmethod(ship, "dhl")

    class Line:
        """A class within."""

    def _private(self) -> None: ...


class Special(Order, ayl_name="typed.Special"):
    def ship(self, carrier: str = "dhl") -> None: ...


@ayl.task("typed.restock")
def restock(carrier: str = "ups") -> None: ...


@ayl.task("typed.restock_later")
async def restock_later(carrier: str = "ups") -> None: ...


def unregistered() -> None: ...


class Stranger:
    def ship(self) -> None: ...

    @staticmethod
    def count() -> None: ...


INSTANCE = {"$ref": ["typed.Order", 42]}
CLASS = {"$ref": ["typed.Order"]}


@pytest.mark.parametrize(
    ("function", "on", "do"),
    [
        (Order().ship, INSTANCE, "ship"),
        (Order().deliver, INSTANCE, "ship"),
        (Order().later, INSTANCE, "later"),
        (Order().inherited, INSTANCE, "inherited"),
        (Order.make, CLASS, "make"),
        (Order().make, CLASS, "make"),
        (Order.count, CLASS, "count"),
        (Order().count, CLASS, "count"),
        (Order.inherited_class_method, CLASS, "inherited_class_method"),
        (Special().ship, {"$ref": ["typed.Special", 42]}, "ship"),
        (Special.make, {"$ref": ["typed.Special"]}, "make"),
        (Special.count, CLASS, "count"),
        (restock, None, "typed.restock"),
        (restock_later, None, "typed.restock_later"),
        ([1, 2].reverse, [1, 2], "reverse"),
        ({"a": 1}.copy, {"a": 1}, "copy"),
        ("a b".split, "a b", "split"),
    ],
)
def test_a_callable_stands_for_a_receiver_and_a_name(function: Any, on: Any, do: str, outbox: Outbox) -> None:
    ayl.send(function)
    ayl.opts(delay=3).send(function)
    assert [(message.on, message.do) for message in outbox.messages] == [(on, do)] * 2


def test_the_arguments_are_checked_as_those_of_ayl_send(outbox: Outbox) -> None:
    ayl.send(Order().ship, carrier="dhl")
    assert outbox.messages[0].kwargs == {"carrier": "dhl"}
    with pytest.raises(ArgumentsDoNotFit):
        ayl.send(Order().ship, "dhl", 3)  # type: ignore[call-arg]
    with pytest.raises(ArgumentsDoNotFit):
        ayl.send(Order.count, career="dhl")  # type: ignore[call-arg]
    with pytest.raises(ArgumentsDoNotFit):
        ayl.send(restock, "dhl", 3)  # type: ignore[call-arg]
    assert len(outbox.writes) == 1


def test_a_method_without_its_object_is_refused_with_the_line_to_write(outbox: Outbox) -> None:
    with pytest.raises(NotCallable) as caught:
        ayl.send(Order.ship, Order(), "ups")
    assert str(caught.value) == (
        "Order.ship is a method without its object; send it through one: ayl.send(order.ship, …)"
    )
    assert not outbox.writes


@pytest.mark.parametrize(
    "function",
    [
        unregistered,
        lambda: None,
        functools.partial(restock),
        functools.partial(Order().ship),
        Stranger().ship,
        Stranger.count,
        Stranger.ship,
        Stranger,
        Order,
        Order.Line,
        print,
        os.getcwd,
    ],
    ids=str,
)
def test_what_names_no_registered_thing_is_refused_with_the_decorator_to_use(function: Any, outbox: Outbox) -> None:
    with pytest.raises(NotRegistered, match=r"@ayl\.(task|model)"):
        ayl.send(function)
    assert not outbox.writes


@pytest.mark.parametrize(
    "function",
    [Order().decorated, Order().overnight, super(Special, Special()).ship],
    ids=["decorated", "partialmethod", "super"],
)
def test_a_method_that_does_not_know_its_name_is_sent_by_name(function: Any, outbox: Outbox) -> None:
    with pytest.raises(
        NotCallable, match=r"cannot be told by which name a \w+ has this method .*say it: ayl\.ayl_send"
    ):
        ayl.send(function)
    assert not outbox.writes


@pytest.mark.parametrize("name", ["decorated", "overnight"])
def test_and_by_its_name_it_is_sent(name: str, outbox: Outbox) -> None:
    Order().ayl_send(name)
    assert outbox.messages[0].do == name


@pytest.mark.parametrize("function", [Order()._private, Order().__repr__, [].__len__], ids=str)
def test_what_is_private_stays_so(function: Any, outbox: Outbox) -> None:
    with pytest.raises(CannotSend, match="is private"):
        ayl.send(function)
    assert not outbox.writes


def test_a_static_method_of_an_unregistered_parent_is_refused_with_the_line_to_write(outbox: Outbox) -> None:
    with pytest.raises(NotRegistered, match="inherited_static"):
        ayl.send(Order.inherited_static)
    Order.ayl_send("inherited_static")
    assert outbox.messages[0].on == CLASS
