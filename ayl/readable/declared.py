"""Values of the app's own classes, by the names that `@ayl.value` has given them: `shop.Money(amount=3)`,
`shop.Colour.RED`. There are none unless an operator has named the app's modules.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from ayl.values.classes import NAMES
from ayl.values.members import Members
from ayl.values.records import rejected

if TYPE_CHECKING:
    from collections.abc import Callable
    from enum import Enum

    from ayl.values.models import Model
    from ayl.values.records import Record


def maker(name: str) -> Callable[..., object] | None:
    """What makes a value of the class of this name; None if there is none. ValueError for what it cannot take."""
    codec = NAMES.get(name)
    if codec is None:
        return None
    return partial(_member_of, codec) if isinstance(codec, Members) else partial(_made, codec)


def member(name: str) -> Enum | None:
    """The member of an Enum; None if the name is not of one. ValueError if the Enum has no such member."""
    owner, _, last = name.rpartition(".")
    codec = NAMES.get(owner)
    return codec.member(last) if isinstance(codec, Members) else None


def _made(codec: Record | Model, /, *placed: object, **named: object) -> object:
    """As the class makes it for who calls it, defaults and all; or from all of its fields, as it is shown."""
    try:
        if not placed and codec.fields and named.keys() >= codec.fields:
            return codec.make(named)
        made: object = codec.cls(*placed, **named)
    except Exception as error:  # whatever the class raises
        raise rejected(codec.name, error) from error
    return made


def _member_of(codec: Members, value: object, /) -> object:
    """By its value, as combinations of a Flag are shown."""
    try:
        made: object = codec.cls(value)
    except Exception as error:  # as above
        raise rejected(codec.name, error) from error
    return made
