"""Value -> what JSON can hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from . import scalars, times
from .classes import codec_of
from .members import Members
from .refusals import PlacelessError, too_deep
from .scalars import INT_MAX, INT_MIN, path_writer, write_str
from .tags import LEVELS, REFERENCE, SCALARS, NoneType, kind_name, tag

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Refer = Callable[[object], list[Any] | None]


def encode(value: object, place: str, refer: Refer) -> Any:
    """`value` as something JSON holds.

    `place` names it in errors ("args[1]"). `refer(x)` is asked for every object that is no plain or tagged value,
    before the classes registered with `@ayl.value`; it answers with the parts of a reference, a name or a name and a
    key, or with None.

    Raises TypeError for what cannot travel and ValueError for what nests too deep, both naming the place.
    """
    try:
        # Mostly the list of arguments, or the dict of named ones.
        return _CONTAINERS.get(type(value), _any)(value, refer, LEVELS)
    except PlacelessError as error:
        raise error.at(place) from None


# What is asked of a value that most often travels untouched. All are written in C: this is the hot path.
# The loops below do not ask of an int, which they compare in half the time. A float is not among them.
_UNTOUCHED: Final[dict[type, Callable[[Any], bool]]] = {
    int: range(INT_MIN, INT_MAX + 1).__contains__,
    str: str.isascii,
    NoneType: frozenset({None}).__contains__,
    bool: frozenset({False, True}).__contains__,
}


def as_it_is(kinds: Iterable[type]) -> tuple[Callable[[Any], bool], ...]:
    """For values of these types, what answers of each whether `encode` leaves it as it is."""
    return tuple(_UNTOUCHED.get(kind, _never) for kind in kinds)


def _never(_value: Any) -> bool:
    return False


def _any(value: Any, refer: Refer, depth: int) -> Any:
    kind = type(value)
    if (untouched := _UNTOUCHED.get(kind)) and untouched(value):
        return value
    if write := _WRITERS.get(kind):
        return write(value)
    if write_container := _CONTAINERS.get(kind):
        return write_container(value, refer, depth)
    return _object(value, refer, depth)


def _items(values: Iterable[Any], refer: Refer, depth: int) -> list[Any]:
    if not depth:
        raise too_deep(LEVELS)
    written: list[Any] = []
    try:
        for item in values:
            kind = type(item)
            if (kind is int and INT_MIN <= item <= INT_MAX) or (
                (untouched := _UNTOUCHED.get(kind)) and untouched(item)
            ):
                written.append(item)
            else:
                written.append(_any(item, refer, depth - 1))
    except PlacelessError as error:
        error.inside(f"[{len(written)}]")
        raise
    return written


def _named(values: dict[str, Any], refer: Refer, depth: int, step: Callable[[str], str]) -> dict[str, Any]:
    if not depth:
        raise too_deep(LEVELS)
    written: dict[str, Any] = {}
    name = ""
    try:
        for name, item in values.items():
            kind = type(item)
            if (kind is int and INT_MIN <= item <= INT_MAX) or (
                (untouched := _UNTOUCHED.get(kind)) and untouched(item)
            ):
                written[name] = item
            else:
                written[name] = _any(item, refer, depth - 1)
    except PlacelessError as error:
        error.inside(step(name))
        raise
    return written


def _dict(values: dict[Any, Any], refer: Refer, depth: int) -> Any:
    for key in values:
        if type(key) is not str or key[:1] == "$" or not (key.isascii() or write_str(key) is key):
            return tag("dict", _pairs(values, refer, depth))
    return _named(values, refer, depth, _item_step)


def _pairs(values: dict[Any, Any], refer: Refer, depth: int) -> list[Any]:
    if not depth:
        raise too_deep(LEVELS)
    written = []
    for key, item in values.items():
        try:
            written_key = _any(key, refer, depth - 1)
        except PlacelessError as error:
            error.inside(")", before="(a key of ")
            raise
        try:
            written.append([written_key, _any(item, refer, depth - 1)])
        except PlacelessError as error:
            error.inside(_item_step(key))
            raise
    return written


def _item_step(key: Any) -> str:
    # Only kinds whose repr is ours to trust, and no int too long to print.
    kind = type(key)
    if not (kind in SCALARS or kind in _WRITERS) or (kind is int and not INT_MIN <= key <= INT_MAX):
        return f"[<{kind_name(kind)}>]"
    shown = repr(key)
    return f"[{shown}]" if len(shown) <= 80 else f"[{shown[:80]}…]"


def _set(values: set[object] | frozenset[object], refer: Refer, depth: int) -> list[Any]:
    if not depth:
        raise too_deep(LEVELS)
    try:
        written = [_any(item, refer, depth - 1) for item in values]
    except PlacelessError as error:
        # Elements have neither an index nor a name.
        error.inside(")", before="(an element of ")
        raise
    # Equal sets make equal messages, whatever order this process's hashes put them in. Elements of several kinds
    # are not comparable, and sets only in part; what they are written as always is.
    if {*map(type, written)} in ({int}, {str}):
        written.sort()
    else:
        written.sort(key=msgspec.json.encode)
    return written


def _object(value: Any, refer: Refer, depth: int) -> Any:
    parts = refer(value)
    if parts is not None:
        return {REFERENCE: _reference(parts, depth)}
    if write := path_writer(type(value)):
        _WRITERS[type(value)] = write  # from now on without this detour
        return write(value)
    codec = codec_of(value)
    if isinstance(codec, Members):
        return codec.write(value)
    return tag("value", codec.name, _named(codec.take(value), refer, depth, ".{}".format))


def _reference(parts: list[Any], depth: int) -> list[Any]:
    name, *keys = parts
    try:
        # A key holds no references in turn, so that all of a message's objects can be found together.
        return [name, *(_any(key, _no_reference, depth) for key in keys)]
    except PlacelessError as error:
        error.inside(")", before="(the key of ")
        raise


def _no_reference(_value: object) -> None:
    return None


_WRITERS: Final = {**scalars.WRITERS, **times.WRITERS}

_CONTAINERS: Final[dict[type, Callable[[Any, Refer, int], Any]]] = {
    list: _items,
    dict: _dict,
    tuple: lambda value, refer, depth: tag("tuple", _items(value, refer, depth)),
    set: lambda value, refer, depth: tag("set", _set(value, refer, depth)),
    frozenset: lambda value, refer, depth: tag("frozenset", _set(value, refer, depth)),
}
