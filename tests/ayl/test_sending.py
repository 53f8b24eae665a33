"""Sending: whatever is wrong is raised where the call is made, with its place and its cure, and nothing leaves."""

from __future__ import annotations

import os
import threading
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

import ayl
from ayl.errors import (
    ArgumentsDoNotFit,
    CannotSend,
    InvalidOption,
    MessageTooLarge,
    NotConfigured,
    NotRegistered,
    NotSaved,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.ayl.conftest import Outbox


class Customer:
    """Nobody has declared this one."""


class Order(ayl.Sendable, ayl_name="sending.Order"):
    def __init__(self, key: int | None = 42) -> None:
        self.id = key

    @classmethod
    def find(cls, key: int) -> Order:
        return cls(key)

    def ship(self, *args: Any, **kwargs: Any) -> None: ...

    def pay(self) -> None: ...


class StandIn:
    """A proxy, as Django's `request.user` is: of the class of what it stands for, and not of its type."""

    def __init__(self, wrapped: object) -> None:
        self._wrapped = wrapped

    @property  # type: ignore[misc] # this is how proxies do it
    def __class__(self) -> type:
        return type(self._wrapped)


class Proxy:
    """As werkzeug's: it knows by itself what it stands for, and seems to have every attribute."""

    __slots__ = ("_get",)

    def __init__(self, obj: object) -> None:
        object.__setattr__(self, "_get", lambda: obj)

    def _get_current_object(self) -> object:
        return object.__getattribute__(self, "_get")()

    @property  # type: ignore[misc] # as above
    def __class__(self) -> type:
        return type(self._get_current_object())

    async def __await__(self) -> None: ...


def refused(outbox: Outbox, error: type[BaseException], send: Callable[[], object]) -> str:
    with pytest.raises(error) as caught:
        send()
    assert type(caught.value) is error
    assert not outbox.writes
    return str(caught.value)


# Arguments

PLACES: list[tuple[tuple[Any, ...], dict[str, Any], str]] = [
    ((object(),), {}, "args[0] is of type object"),
    ((1, Customer()), {}, f"args[1] is of type {__name__}.Customer"),
    ((1, [2, {"a": (3, Customer())}]), {}, "args[1][1]['a'][1] is of type"),
    ((), {"customer": Customer()}, "kwargs['customer'] is of type"),
    ((), {"all": [{"customer": Customer()}]}, "kwargs['all'][0]['customer'] is of type"),
    (({1: Customer()},), {}, "args[0][1] is of type"),
    (({Customer(): 1},), {}, "(a key of args[0]) is of type"),
    (({Customer()},), {}, "(an element of args[0]) is of type"),
]


@pytest.mark.parametrize(("args", "kwargs", "place"), PLACES)
def test_what_cannot_travel_is_refused_with_its_place(
    args: tuple[Any, ...], kwargs: dict[str, Any], place: str, outbox: Outbox
) -> None:
    said = refused(outbox, TypeError, lambda: Order().ayl_send("ship", *args, **kwargs))
    assert said.startswith(place)


@pytest.mark.parametrize(
    ("value", "cure"),
    [
        (Customer(), "register its class with @ayl.model if a worker can find it again, or send what the call needs"),
        (StandIn(Customer()), f"it only stands for a {__name__}.Customer; send what the call needs of that"),
        (print, "a message carries values, not code"),
        (threading, "a message carries values, not code"),
        (threading.Lock(), "let the worker make its own"),
        (iter([]), "send list(…) of it"),
        (Customer, "a class travels by name once it is registered"),
    ],
)
def test_what_cannot_travel_is_refused_with_a_cure(value: Any, cure: str, outbox: Outbox) -> None:
    assert cure in refused(outbox, TypeError, lambda: Order().ayl_send("ship", value))


def test_an_open_file_cannot_travel(outbox: Outbox) -> None:
    with open(os.devnull) as file:  # noqa: PTH123 - a plain open file is meant
        assert "send its path or its contents" in refused(outbox, TypeError, lambda: Order().ayl_send("ship", file))


def test_a_value_that_holds_itself_cannot_travel(outbox: Outbox) -> None:
    circle: list[Any] = []
    circle.append(circle)
    assert "contains itself" in refused(outbox, ValueError, lambda: Order().ayl_send("ship", circle))


def test_an_unsaved_object_is_refused_where_it_is_sent(outbox: Outbox) -> None:
    unsaved = Order(None)
    for send in (partial(unsaved.ayl_send, "ship"), partial(ayl.send, unsaved.ship)):
        assert refused(outbox, NotSaved, send).startswith("the receiver is of type Order and has no id yet: save it")


# Receivers and names


@pytest.mark.parametrize(
    ("receiver", "words"),
    [
        (Customer(), "Customer is not registered; decorate it with @ayl.model"),
        (Customer, "Customer is not registered; decorate it with @ayl.model"),
        (None, "None cannot be sent to"),
        (print, "is a function: decorate it with @ayl.task and send it with ayl.send(function, …)"),
        (Order().ship, "the method Order.ship is not sent to but sent: ayl.send(order.ship, …)"),
        (os, "is a module: decorate its functions with @ayl.task"),
        (3.5j.__class__, "the class complex is not registered"),
    ],
)
def test_what_is_not_registered_is_refused_with_the_decorator_to_use(receiver: Any, words: str, outbox: Outbox) -> None:
    assert words in refused(outbox, NotRegistered, lambda: ayl.ayl_send(receiver, "ship"))


class Unprintable:
    """Stands for an object of a database that is not there."""

    def __repr__(self) -> str:
        raise RuntimeError("no database")

    def ship(self) -> None: ...


@pytest.mark.parametrize(
    "send",
    [
        ayl.send,
        lambda thing: ayl.send(thing.ship),
        lambda thing: ayl.ayl_send(thing, "ship"),
        lambda thing: ayl.ayl_send(thing.ship, "ship"),
        lambda thing: ayl.ayl_send(Order(), thing),
        lambda thing: ayl.ayl_send(Order(), "ship", thing),
        lambda thing: ayl.ayl_send(Order(), "ship", {thing: 1}),
        lambda thing: ayl.ayl_send_opts(Order(), "ship", thing),
        lambda thing: ayl.send_many([thing]),
        lambda thing: ayl.send_many([[thing.ship, 1]]),  # type: ignore[list-item] # that is what is wrong
    ],
)
def test_an_error_does_not_ask_an_object_how_it_looks(send: Any, outbox: Outbox) -> None:
    with pytest.raises((CannotSend, TypeError)):
        send(Unprintable())
    assert not outbox.writes


@pytest.mark.parametrize("method", [Order.ship, None, 3, b"ship"], ids=repr)
def test_a_method_is_given_by_its_name(method: Any, outbox: Outbox) -> None:
    for send in (ayl.ayl_send, partial(ayl.opts().ayl_send), lambda o, m: ayl.ayl_send_opts(o, m, {})):
        said = refused(outbox, CannotSend, lambda: send(Order(), method))  # noqa: B023 - called at once
        assert "the method is given by its name" in said
        assert "ayl.send takes the method itself" in said


def coroutine() -> Any:
    """What calling an `async def` gives."""

    async def ship() -> None: ...

    return ship()


@pytest.mark.parametrize("make", [lambda: None, lambda: "shop.ship", coroutine], ids=["None", "a name", "a coroutine"])
def test_a_call_in_the_place_of_a_function_is_refused_with_how_to_write_it(make: Any, outbox: Outbox) -> None:
    given = make()
    said = refused(outbox, NotRegistered, lambda: ayl.send(given))
    assert " is no function; " in said
    assert 'ayl.send(order.ship, "ups"), not ayl.send(order.ship("ups"))' in said
    getattr(given, "close", lambda: None)()


@pytest.mark.parametrize("kind", [StandIn, Proxy])
def test_what_stands_for_a_registered_object_is_sent_as_that_object(kind: Any, outbox: Outbox) -> None:
    ayl.ayl_send(Order(), "ship", [Order(7)])
    ayl.ayl_send(kind(Order()), "ship", [kind(Order(7))])
    plain, stood = outbox.messages
    assert (stood.on, stood.args) == (plain.on, plain.args)


def test_what_stands_for_something_else_is_refused_as_what_it_stands_for(outbox: Outbox) -> None:
    said = refused(outbox, TypeError, lambda: Order().ayl_send("ship", Proxy(Customer())))
    assert said.startswith(f"args[0] is of type {__name__}.Proxy: it only stands for a {__name__}.Customer; ")


def test_an_option_among_the_arguments_is_told_where_options_go(outbox: Outbox) -> None:
    for option, meant in (("delay", "delay"), ("countdown", "delay"), ("queue", "lane")):
        said = refused(outbox, ArgumentsDoNotFit, lambda: ayl.send(Order().pay, **{option: 3}))  # noqa: B023 - called at once
        assert f"unexpected keyword argument '{option}'; an option is given before: ayl.opts({meant}=…).send(…)" in said


# Options


@pytest.mark.parametrize("options", [{"prioritty": 3}, {"delay": -1}, {"lane": "a/b"}, {"failed_job_handler": "x"}])
def test_a_wrong_option_is_refused_where_it_is_given(options: dict[str, Any], outbox: Outbox) -> None:
    refused(outbox, InvalidOption, lambda: Order().ayl_send_opts("ship", options))
    refused(outbox, InvalidOption, lambda: ayl.ayl_send_opts(Order(), "ship", options))
    refused(outbox, InvalidOption, lambda: ayl.opts(**options))
    refused(outbox, InvalidOption, lambda: ayl.configure(defaults=options))


@pytest.mark.parametrize("options", [None, 3, "delay", [("delay", 3)]], ids=repr)
def test_options_are_a_dict_or_options(options: Any, outbox: Outbox) -> None:
    said = refused(outbox, CannotSend, lambda: Order().ayl_send_opts("ship", options, "ups"))
    assert said.startswith("options are a dict or ayl.Options, not ")


def test_every_way_to_give_options_gives_the_same(outbox: Outbox) -> None:
    changes: dict[str, Any] = {"priority": 1, "delay": 2, "time_to_run": 3, "queue_name": "slow"}
    order = Order()
    order.ayl_send_opts("ship", changes, "ups", insured=True)
    order.ayl_send_opts("ship", ayl.Options(priority=1, delay=2, time_to_run=3, lane="slow"), "ups", insured=True)
    ayl.ayl_send_opts(order, "ship", changes, "ups", insured=True)
    ayl.opts(**changes).send(order.ship, "ups", insured=True)
    ayl.opts(**changes).ayl_send(order, "ship", "ups", insured=True)
    assert {(one.tube, one.priority, one.delay, one.time_to_run) for one in outbox.submissions} == {
        ("shop/1.4.2/slow", 1, 2, 3)
    }
    assert {(str(m.on), m.do, *m.args, *m.kwargs.items()) for m in outbox.messages} == {
        ("{'$ref': ['sending.Order', 42]}", "ship", "ups", ("insured", True))
    }


def test_prepared_options_serve_many_sends(outbox: Outbox) -> None:
    slow = ayl.opts(delay=9)
    for _ in range(3):
        slow.send(Order().ship)
    assert [submission.delay for submission in outbox.submissions] == [9, 9, 9]


def test_fuzz_spreads_the_priorities_of_calls(outbox: Outbox) -> None:
    for _ in range(300):
        ayl.opts(priority=100, fuzz=9).send(Order().ship)
    assert {submission.priority for submission in outbox.submissions} == set(range(100, 110))


# The message's size


def test_a_message_too_large_for_the_server_is_refused_with_both_sizes(outbox: Outbox) -> None:
    said = refused(outbox, MessageTooLarge, lambda: Order().ayl_send("ship", "x" * 70_000))
    assert said.startswith("the message for sending.Order.ship has 70,")
    assert "the server takes 65,535" in said
    assert "send its key" in said
    assert "max_message_size" in said


def test_the_limit_is_a_setting_and_reaches_its_last_byte(outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ayl.composing.time.time_ns", lambda: 1_793_000_000_125_000_000)  # its text has a length too
    Order().ayl_send("ship", "")
    size = len(outbox.submissions[0].body)
    ayl.configure(max_message_size=size + 5)
    Order().ayl_send("ship", "x" * 5)
    with pytest.raises(MessageTooLarge):
        Order().ayl_send("ship", "x" * 6)
    assert len(outbox.submissions) == 2


# The handle, and the app


def test_a_handle_knows_the_message_the_tube_and_the_job(outbox: Outbox) -> None:
    handle = ayl.opts(lane="slow").send(Order().ship)
    assert UUID(handle.id).version == 7
    assert (handle.tube, handle.job_id, handle.error) == ("shop/1.4.2/slow", 1, None)
    assert handle.id in repr(handle)
    assert "shop/1.4.2/slow" in repr(handle)
    assert "job 1" in repr(handle)


def test_a_send_without_an_app_names_the_line_to_add(outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    ayl.settings.reset()
    ayl.configure(engine="outbox")
    for send in (lambda: Order().ayl_send("ship"), lambda: ayl.send(Order().ship), lambda: ayl.opts().send([].copy)):
        assert "ayl.configure(app=" in refused(outbox, NotConfigured, send)
