"""Whole calls, through their bytes: what is accepted arrives as it was, what is refused names its place."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import ayl
from ayl import delivery
from ayl import settings as configuration
from ayl.registry import registry

from .things import Stored, any_text, everything, form, patient

if TYPE_CHECKING:
    from collections.abc import Iterator

ARRIVED: list[tuple[tuple[Any, ...], dict[str, Any]]] = []


class Kept(Stored):
    """An object with a key that a database could have."""

    @property
    def id(self) -> object:
        return self.key

    @classmethod
    def find(cls, key: object) -> Kept:
        return cls(key)

    def take(self, *args: Any, **kwargs: Any) -> None:
        ARRIVED.append(((self, *args), kwargs))


def record(*args: Any, **kwargs: Any) -> None:
    ARRIVED.append((args, kwargs))


@pytest.fixture(autouse=True, scope="module")
def _in_place() -> Iterator[None]:
    """Each example is sent in place, which goes through bytes all the same."""
    registry.add_model(Kept, "whole.Kept")
    registry.add_task(record, "whole.record")
    yield
    delivery.close()
    configuration.reset()


UNSENDABLE = [object(), lambda: 1, iter([1]), type, print, Stored(1), memoryview(b""), [object()], {"a": {1: print}}]

keys = st.integers() | st.text(st.characters(codec="ascii")) | st.uuids() | st.tuples(st.integers(), st.uuids())
kept = st.builds(Kept, keys)
values = everything.filter(lambda thing: "Stored" not in repr(form(thing)))
arguments = st.lists(values | kept | st.lists(values | kept, max_size=3), max_size=4)
named = st.dictionaries(any_text | st.sampled_from(["$t", "$ref", "self", "method", "function", "args"]), values | kept)


def send(args: list[Any], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    ayl.configure(app="shop", version="1", engine="synchronous", max_message_size=2**30)
    ARRIVED.clear()
    ayl.send(record, *args, **kwargs)
    (arrived,) = ARRIVED
    return arrived


@patient
@given(arguments, named)
def test_every_accepted_argument_arrives_equal_and_of_the_same_type(args: list[Any], kwargs: dict[str, Any]) -> None:
    arrived, arrived_by_name = send(args, kwargs)
    assert form(arrived) == form(tuple(args))
    assert form(arrived_by_name) == form(kwargs)


@patient
@given(keys, arguments)
def test_so_do_a_receiver_and_its_arguments(key: object, args: list[Any]) -> None:
    ayl.configure(app="shop", version="1", engine="synchronous", max_message_size=2**30)
    ARRIVED.clear()
    ayl.ayl_send(Kept(key), "take", *args)
    ((arrived, _),) = ARRIVED
    assert form(arrived) == form((Kept(key), *args))


containers = st.sampled_from(
    [
        (lambda inner: [0, inner], r"\[1\]"),
        (lambda inner: (inner,), r"\[0\]"),
        (lambda inner: {"a b": inner}, r"\['a b'\]"),
        (lambda inner: {7: inner}, r"\[7\]"),
    ]
)


@patient
@given(arguments, st.sampled_from(UNSENDABLE[:7]), st.lists(containers, max_size=4), st.booleans())
def test_every_refused_argument_names_its_place_and_nothing_is_sent(
    args: list[Any], culprit: Any, path: list[Any], by_name: bool
) -> None:
    steps = ""
    for wrap, step in path:
        culprit, steps = wrap(culprit), step + steps
    with pytest.raises(TypeError) as refused:
        send(args, {"last": culprit}) if by_name else send([*args, culprit], {})
    place = r"kwargs\['last'\]" if by_name else rf"args\[{len(args)}\]"
    assert re.match(rf"{place}{steps} is of type ", str(refused.value)), str(refused.value)
    assert ARRIVED == []
