"""Whatever a call may hold: it is sent if it is asserted as it was sent, and differs if Python says that it differs."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

import hypothesis.strategies as st
import pytest
from hypothesis import given

import ayl
from ayl import testing
from ayl.testing import ANY

from .depot import Colour, Invoice, Order, Parcel, note

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module", autouse=True)
def _few_objects() -> Iterator[None]:
    """A failed assertion looks through all objects, and here are many: not those of all the tests before."""
    gc.freeze()
    yield
    gc.unfreeze()


scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=5)
    | st.binary(max_size=5)
    | st.decimals(allow_nan=False)
    | st.datetimes()
    | st.timedeltas()
    | st.uuids()
    | st.sampled_from(Colour)
)
objects = st.integers(1, 3).map(Order) | st.integers(1, 3).map(Invoice)
names = st.text(max_size=3) | st.sampled_from(["$t", "$ref", "a", "b"])
values = st.recursive(
    scalars | objects,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(names, inner, max_size=3)
        | st.dictionaries(st.integers(0, 3), inner, max_size=3)
        | st.sets(st.integers(0, 3), max_size=3)
        | st.builds(Parcel, st.integers(0, 3), st.lists(inner, max_size=2))
    ),
    max_leaves=8,
)


def plain(value: Any) -> Any:
    """The value with a tuple for each stored object, so that == compares these as rows."""
    match value:
        case Order() | Invoice():
            return ("row", type(value).__name__, value.id)
        case list():
            return [*map(plain, value)]
        case tuple():
            return ("tuple", *map(plain, value))
        case dict():
            return {key: plain(inner) for key, inner in value.items()}
        case Parcel():
            return ("parcel", value.weight, plain(value.contents))
    return value


@given(values)
def test_a_call_is_found_as_it_was_sent(value: object) -> None:
    with testing.recording() as sent:
        ayl.send(note, value, more=[value])
        sent.assert_sent(note, value, more=[value])
        sent.assert_sent(note, ANY, more=[value])
        sent.assert_sent(note, more=ANY, text=value)
        assert sent.of(note) == [sent.assert_sent(note, ANY, more=ANY)]


@given(values, values)
def test_a_call_with_another_value_is_another_call(first: object, second: object) -> None:
    with testing.recording() as sent:
        ayl.send(note, first)
        if plain(first) == plain(second):
            sent.assert_sent(note, second)
        else:
            sent.assert_not_sent(note, second)
            with pytest.raises(AssertionError, match=r"depot\.note\(.* was not sent"):
                sent.assert_sent(note, second)
