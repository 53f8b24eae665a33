"""Annotations as text, of which one can be told to take all that another takes.

The text says what is checked of a call's arguments (`ayl.annotations`), and no more: what that lets through is told as
`Any` within others, or not at all.
"""

import ast
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from functools import cache
from typing import Any

from ayl.annotations import check_of
from ayl.registry import registry
from ayl.values.classes import CODECS
from ayl.values.tags import NoneType, kind_name

ANY = "Any"


def told(annotation: Any) -> str:
    """What is checked of a value; empty if nothing is."""
    if annotation is None or annotation is NoneType:
        return "None"
    if isinstance(annotation, typing.NewType):
        return told(annotation.__supertype__)
    if check_of(annotation) is None:
        return ""
    origin = typing.get_origin(annotation)
    if origin is None:
        return _named(annotation)
    args = typing.get_args(annotation)
    form = FORMS.get(origin)
    return form(args) if form is not None else _generic(origin, args)


def _named(annotation: Any) -> str:
    known = registry.model_names.get(annotation)
    if known is None and annotation in CODECS:
        known = CODECS[annotation].name
    return known or (kind_name(annotation) if isinstance(annotation, type) else str(annotation))


def _union(args: tuple[Any, ...]) -> str:
    parts = dict.fromkeys(part for one in args for part in told(one).split(" | "))
    return " | ".join(parts)


def _literal(args: tuple[Any, ...]) -> str:
    return " | ".join("None" if one is None else f"Literal[{_member(one)}]" for one in args)


def _member(one: object) -> str:
    return f"{_named(type(one))}.{one.name}" if isinstance(one, Enum) else repr(one)


FORMS: dict[Any, Callable[[tuple[Any, ...]], str]] = {
    typing.Union: _union,
    types.UnionType: _union,
    typing.Literal: _literal,
    typing.Annotated: lambda args: told(args[0]),
    typing.Required: lambda args: told(args[0]),
    typing.NotRequired: lambda args: told(args[0]),
}


def _generic(origin: type, args: tuple[Any, ...]) -> str:
    parts = ["..." if one is ... else told(one) or ANY for one in args]
    if all(part in (ANY, "...") for part in parts):
        return kind_name(origin)
    return f"{kind_name(origin)}[{', '.join(parts)}]"


WIDER: dict[str, frozenset[str]] = {
    "bool": frozenset({"int", "float", "complex"}),
    "int": frozenset({"float", "complex"}),
    "float": frozenset({"complex"}),
    "bytearray": frozenset({"bytes"}),
    "datetime": frozenset({"date"}),
}
"""A class -> those that take all of its values besides itself."""

_ABSTRACT = {
    "list": ("MutableSequence", "Sequence", "Collection", "Iterable"),
    "set": ("MutableSet", "Set", "Collection", "Iterable"),
    "frozenset": ("Set", "Collection", "Iterable"),
    "dict": ("MutableMapping", "Mapping"),
}

WIDER |= {name: frozenset(f"collections.abc.{one}" for one in names) for name, names in _ABSTRACT.items()}


def takes_all(wide: str, narrow: str, renamed: Mapping[str, str] = types.MappingProxyType({})) -> bool:
    """Whether what is annotated `wide` surely takes every value that `narrow` lets through. `renamed`: classes that are
    called otherwise on the wide side.
    """
    if not wide or wide == ANY:
        return True
    if not narrow or narrow == ANY:
        return False
    if wide == narrow and not renamed:
        return True
    ours, theirs = _parsed(wide), _parsed(narrow)
    if ours is None or theirs is None:
        return wide == narrow
    return _covers(ours, theirs, renamed)


@cache
def _parsed(text: str) -> ast.expr | None:
    """None for a class that is written within a function."""
    try:
        return ast.parse(text, mode="eval").body
    except SyntaxError:
        return None


def _members(node: ast.expr) -> Iterator[ast.expr]:
    """Those of a union."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        yield from _members(node.left)
        yield from _members(node.right)
    else:
        yield node


def _covers(wide: ast.expr, narrow: ast.expr, renamed: Mapping[str, str]) -> bool:
    return all(any(_covers_one(one, part, renamed) for one in _members(wide)) for part in _members(narrow))


def _covers_one(wide: ast.expr, narrow: ast.expr, renamed: Mapping[str, str]) -> bool:
    ours, our_parts = _taken_apart(wide)
    theirs, their_parts = _taken_apart(narrow)
    if ours == ANY:
        return True
    if theirs == "Literal" and ours != "Literal":
        value = their_parts[0]
        theirs = type(value.value).__name__ if isinstance(value, ast.Constant) else _literal_class(value)
        their_parts = []
    theirs = renamed.get(theirs, theirs)
    if theirs == "Literal" or (theirs == "tuple" and theirs == ours and our_parts):
        return ast.unparse(wide) == ast.unparse(narrow) or _covers_tuple(our_parts, their_parts, renamed)
    if ours != theirs and ours not in WIDER.get(theirs, ()):
        return False
    if not our_parts:
        return True
    same_shape = len(our_parts) == len(their_parts)
    return same_shape and all(_covers(one, part, renamed) for one, part in zip(our_parts, their_parts, strict=True))


def _covers_tuple(ours: list[ast.expr], theirs: list[ast.expr], renamed: Mapping[str, str]) -> bool:
    """Of the parts of two tuples: `int, ...` takes any number of them."""
    if _endless(theirs) != _endless(ours) and not _endless(ours):
        return False
    if _endless(ours):
        parts = theirs[:1] if _endless(theirs) else theirs
        return bool(theirs) and all(_covers(ours[0], part, renamed) for part in parts)
    return len(ours) == len(theirs) and all(_covers(one, part, renamed) for one, part in zip(ours, theirs, strict=True))


def _endless(parts: list[ast.expr]) -> bool:
    return len(parts) == 2 and isinstance(parts[1], ast.Constant) and parts[1].value is ...


def _literal_class(member: ast.expr) -> str:
    """The class that a member of an Enum is of."""
    return ast.unparse(member).rpartition(".")[0]


def _taken_apart(node: ast.expr) -> tuple[str, list[ast.expr]]:
    """The name, and what stands in its brackets."""
    if not isinstance(node, ast.Subscript):
        return ast.unparse(node), []
    inner = node.slice
    return ast.unparse(node.value), [*inner.elts] if isinstance(inner, ast.Tuple) else [inner]
