"""What JSON held -> value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NoReturn

from . import scalars, times
from .classes import codec_named
from .members import Members
from .tags import LEVELS, REFERENCE, SCALARS, TAG, Leaf, kind_name, shortened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Find = Callable[[list[Any]], object]

# A caller may wrap encoded values in lists and dicts of its own before they meet again here.
_LEVELS: Final = LEVELS + 10


def decode(data: Any, find: Find) -> object:
    """The value that `data` is written for; `find(parts)` answers for each reference.

    Raises ValueError, and nothing else but what `find` raises, for anything `encode` would not have written.
    """
    return data if type(data) in SCALARS else _JSON.get(type(data), _alien)(data, find, _LEVELS)


def references(data: Any) -> Iterator[list[Any]]:
    """Every reference in `data`, as `find` will get it, in order; nothing is resolved."""
    waiting = [data]
    while waiting:
        found = waiting.pop()
        if type(found) is list:
            waiting.extend(reversed(found))
        elif type(found) is dict:
            if REFERENCE in found:
                yield _parts(_body(found), _LEVELS)
            else:
                waiting.extend(reversed(found.values()))


def _list(data: list[Any], find: Find | None, depth: int) -> list[Any]:
    if not depth:
        raise _too_deep()
    values = []
    for item in data:
        kind = type(item)
        values.append(item if kind in SCALARS else _JSON.get(kind, _alien)(item, find, depth - 1))
    return values


def _dict(data: dict[str, Any], find: Find | None, depth: int) -> Any:
    for name in data:
        if name[:1] == "$":
            return _marked(data, find, depth)
    return _named(data, find, depth)


def _named(data: dict[str, Any], find: Find | None, depth: int) -> dict[str, Any]:
    if not depth:
        raise _too_deep()
    values = {}
    for name, item in data.items():
        kind = type(item)
        values[name] = item if kind in SCALARS else _JSON.get(kind, _alien)(item, find, depth - 1)
    return values


def _alien(data: object, _find: Find | None, _depth: int) -> NoReturn:
    raise ValueError(f"a message holds JSON, not {kind_name(type(data))}")


def _too_deep() -> ValueError:
    return ValueError(f"the values nest deeper than {LEVELS} levels")


def _marked(data: dict[str, Any], find: Find | None, depth: int) -> Any:
    body = _body(data)
    if REFERENCE in data:
        if find is None:
            raise ValueError("the key of a reference holds no other reference")
        return find(_parts(body, depth))
    if TAG not in data:
        raise ValueError(f"{shortened(next(iter(data)))} is no mark: marks are {TAG} and {REFERENCE}")
    if type(body) is not list or not body or type(body[0]) is not str:
        raise ValueError(f"{TAG} takes a list that begins with the name of a tag")
    name, *payload = body
    if leaf := LEAVES.get(name):
        return leaf.read(payload if name in _NARROW else [_narrow(item) for item in payload])
    if branch := BRANCHES.get(name):
        return branch(payload, find, depth)
    raise ValueError(f"there is no tag {shortened(name)}")


def _body(data: dict[str, Any]) -> Any:
    if len(data) != 1:
        raise ValueError("a name that begins with $ marks a value, and stands alone")
    return next(iter(data.values()))


def _narrow(item: Any) -> Any:
    """A scalar inside a leaf, which may itself be one that JSON cannot hold (a bound of a range, a file name)."""
    if type(item) is dict and item.keys() == {TAG}:
        body = item[TAG]
        if type(body) is list and body and type(body[0]) is str and body[0] in _NARROW:
            return LEAVES[body[0]].read(body[1:])
    return item


def _parts(body: Any, depth: int) -> list[Any]:
    if type(body) is not list or not 1 <= len(body) <= 2 or type(body[0]) is not str:
        raise ValueError(f"{REFERENCE} takes a list of a name, or a name and a key")
    return [part if type(part) in SCALARS else _JSON.get(type(part), _alien)(part, None, depth) for part in body]


def _content(name: str, payload: list[Any]) -> list[Any]:
    if len(payload) != 1 or type(payload[0]) is not list:
        raise ValueError(f"the tag {name!r} takes one list")
    content: list[Any] = payload[0]
    return content


def _tuple(payload: list[Any], find: Find | None, depth: int) -> tuple[Any, ...]:
    return tuple(_list(_content("tuple", payload), find, depth))


def _set(payload: list[Any], find: Find | None, depth: int) -> set[Any]:
    elements = _list(_content("set", payload), find, depth)
    try:
        values = set(elements)
    except Exception as error:
        raise ValueError(f"a set cannot hold what a message puts in it: {error}") from error
    if len(values) != len(elements):
        raise ValueError("a set holds an element twice")
    return values


def _frozenset(payload: list[Any], find: Find | None, depth: int) -> frozenset[Any]:
    return frozenset(_set(payload, find, depth))


def _pairs(payload: list[Any], find: Find | None, depth: int) -> dict[Any, Any]:
    pairs = _content("dict", payload)
    if not all(type(pair) is list and len(pair) == 2 for pair in pairs):
        raise ValueError("the tag 'dict' takes pairs of a key and a value")
    keys = _list([key for key, _ in pairs], find, depth)
    values = _list([value for _, value in pairs], find, depth)
    try:
        made = dict(zip(keys, values, strict=True))
    except Exception as error:
        raise ValueError(f"a dict cannot have the keys a message gives it: {error}") from error
    if len(made) != len(pairs):
        raise ValueError("a dict has a key twice")
    return made


def _value(payload: list[Any], find: Find | None, depth: int) -> object:
    if len(payload) != 2 or type(payload[0]) is not str or type(payload[1]) is not dict:
        raise ValueError("the tag 'value' takes the name of a class and its fields")
    name, fields = payload
    codec = codec_named(name)
    if isinstance(codec, Members):
        raise ValueError(f"{name} is an Enum and has no fields")
    # Not _dict: fields are names that the class declares, so none of them is a mark.
    return codec.make(_named(fields, find, depth))


def _members(name: str) -> Members:
    codec = codec_named(name)
    if not isinstance(codec, Members):
        raise ValueError(f"{name} is no Enum")
    return codec


_NARROW: Final = frozenset({"int", "float", "str"})

LEAVES: Final = {
    leaf.name: leaf
    for leaf in (
        *scalars.LEAVES,
        *times.LEAVES,
        Leaf("enum", lambda name, member: _members(name).member(member), ((str,), (str,))),
        Leaf("flag", lambda name, bits: _members(name).combination(bits), ((str,), (int,))),
    )
}

BRANCHES: Final[dict[str, Callable[[list[Any], Find | None, int], object]]] = {
    "tuple": _tuple,
    "set": _set,
    "frozenset": _frozenset,
    "dict": _pairs,
    "value": _value,
}

_JSON: Final[dict[type, Callable[[Any, Find | None, int], object]]] = {list: _list, dict: _dict}
