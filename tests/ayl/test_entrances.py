"""Whichever way a call is sent, and even when it was sent some other way, the same methods may be called."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

import ayl
from ayl import calling
from ayl.errors import CannotRun, NotCallable
from tests.ayl.conftest import written

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.ayl.conftest import Outbox


class Base:
    id = 1

    @classmethod
    def find(cls, key: int) -> Any:
        return cls()

    def ship(self) -> None: ...

    def empty(self) -> None: ...

    def _private(self) -> None: ...

    def __call__(self) -> None: ...


@ayl.model("entrances.Wide")
class Wide(Base): ...


@ayl.model("entrances.Narrow", methods=["ship"])
class Narrow(Base): ...


@ayl.model("entrances.Inheriting")
class Inheriting(Narrow): ...


@ayl.model("entrances.Widened", methods=["ship", "empty"])
class Widened(Narrow): ...


class Mixed(Base, ayl.Sendable, ayl_name="entrances.Mixed", ayl_methods=["ship"]): ...


class Mixing(Mixed, ayl_name="entrances.Mixing"): ...


def in_a_batch(obj: Any, name: str) -> None:
    with ayl.batch():
        ayl.send(getattr(obj, name))


ENTRANCES: dict[str, Callable[[Any, str], object]] = {
    "ayl.ayl_send": ayl.ayl_send,
    "obj.ayl_send": lambda obj, name: obj.ayl_send(name),
    "ayl.ayl_send_opts": lambda obj, name: ayl.ayl_send_opts(obj, name, {"delay": 1}),
    "obj.ayl_send_opts": lambda obj, name: obj.ayl_send_opts(name, ayl.Options(delay=1)),
    "ayl.send": lambda obj, name: ayl.send(getattr(obj, name)),
    "ayl.asend": lambda obj, name: asyncio.run(ayl.asend(getattr(obj, name))),
    "ayl.send_many": lambda obj, name: ayl.send_many([(getattr(obj, name),)]),
    "ayl.batch": in_a_batch,
    "ayl.opts.send": lambda obj, name: ayl.opts(delay=1).send(getattr(obj, name)),
    "ayl.opts.asend": lambda obj, name: asyncio.run(ayl.opts(delay=1).asend(getattr(obj, name))),
    "ayl.opts.send_many": lambda obj, name: ayl.opts(delay=1).send_many([(getattr(obj, name),)]),
    "ayl.opts.ayl_send": lambda obj, name: ayl.opts(delay=1).ayl_send(obj, name),
}

PRIVATE = "is private: only public methods can be sent"
UNLISTED = "is not among the methods that may be sent: ship"
REFUSED: list[tuple[Any, str, str]] = [
    *((cls, name, PRIVATE) for cls in (Wide, Narrow, Mixed) for name in ("_private", "__call__", "__init__")),
    *((cls, "empty", UNLISTED) for cls in (Narrow, Inheriting, Mixed, Mixing)),
]
ALLOWED: list[tuple[Any, str]] = [
    (Wide, "ship"), (Wide, "empty"), (Narrow, "ship"), (Inheriting, "ship"), (Widened, "empty"), (Mixing, "ship"),
]  # fmt: skip


@pytest.mark.parametrize("entrance", ENTRANCES)
@pytest.mark.parametrize(("cls", "name", "reason"), REFUSED)
def test_a_method_that_must_not_be_called_is_refused_at_each_entrance(
    cls: Any, name: str, reason: str, entrance: str, outbox: Outbox
) -> None:
    with pytest.raises(NotCallable) as caught:
        ENTRANCES[entrance](cls(), name)
    assert str(caught.value).endswith(f".{name} {reason}")
    assert outbox.submissions == []


@pytest.mark.parametrize(("cls", "name", "reason"), REFUSED)
def test_and_it_is_buried_where_a_message_names_it(cls: Any, name: str, reason: str) -> None:
    for parts in ([f"entrances.{cls.__name__}", 1], [f"entrances.{cls.__name__}"]):
        with pytest.raises(CannotRun, match=f"{name} {reason}"):
            calling.perform(written(on={"$ref": parts}, do=name))


@pytest.mark.parametrize("entrance", ENTRANCES)
@pytest.mark.parametrize(("cls", "name"), ALLOWED)
def test_a_method_that_may_be_called_is_sent_at_each_entrance(
    cls: Any, name: str, entrance: str, outbox: Outbox
) -> None:
    ENTRANCES[entrance](cls(), name)
    (message,) = outbox.messages
    assert message.do == name
    calling.perform(message)


def test_a_private_method_is_not_sent_under_a_public_name(outbox: Outbox) -> None:
    @ayl.model("entrances.Aliased")
    class Aliased(Base):
        public = Base._private

    with pytest.raises(NotCallable, match=PRIVATE):
        ayl.send(Aliased().public)
