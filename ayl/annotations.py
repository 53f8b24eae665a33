"""Whether a value is what an annotation says, as far as that is simple to tell; everything else is let through.

Told are: plain classes (a subclass's instance is one), the numeric tower of type checkers (an int is a float), unions,
lists, tuples, sets and dicts with what is in them, Literal, Annotated, NewType, aliases, TypedDict, and the fields of
classes that travel by value (`@ayl.value`). Stored objects are known by their class; none of their attributes is read.
"""

import sys
import types
import typing
from collections import abc
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from inspect import get_annotations, signature
from typing import Any

from ayl.faults import NONE, Check, Fault, any_of, or_none, shown, with_article
from ayl.registry import registry
from ayl.values.classes import CODECS
from ayl.values.models import is_model
from ayl.values.records import Record
from ayl.values.tags import NoneType, kind_name


def check_of(annotation: Any) -> Check | None:
    """How to tell what fits; None for an annotation that lets everything through, or is none of the simple ones."""
    if annotation is None or annotation is NoneType:
        return NONE
    if isinstance(annotation, typing.NewType):
        return check_of(annotation.__supertype__)
    if type(annotation).__name__ == "TypeAliasType":  # typing's from Python 3.12 on, typing_extensions' before
        return _alias(annotation)
    origin = typing.get_origin(annotation)
    if origin is None:
        return _class(annotation) if isinstance(annotation, type) else None
    if not hasattr(annotation, "__args__"):  # a bare typing.List
        return _class(origin)
    make = _FORMS.get(origin)
    return None if make is None else make(origin, typing.get_args(annotation))


def resolved(annotations: Mapping[str, Any], namespace: dict[str, Any]) -> dict[str, Any]:
    """The annotations with text turned into what it stands for, each by itself: those that cannot be are left out.

    The text is our caller's own code, never a message's. It often names what only type checkers import.
    """
    found: dict[str, Any] = {}
    for name, annotation in annotations.items():
        alone = types.SimpleNamespace(__annotations__={name: annotation})
        try:
            found |= typing.get_type_hints(alone, namespace, include_extras=True)
        except Exception:  # noqa: BLE001, S112 - whatever evaluating it raises, it is let through
            continue
    return found


# Classes


def _class(cls: type) -> Check | None:
    if cls is object or (cls.__module__ in _FORMAL and cls not in _FORMS) or getattr(cls, "_is_protocol", False):
        return None
    if hasattr(cls, "__get_pydantic_core_schema__") and not is_model(cls):
        return None  # a word to pydantic's validators: what is annotated EmailStr is a plain str
    if _is_typed_dict(cls):
        return _typed_dict(cls)
    kinds = TOWER.get(cls, (cls,))
    try:
        isinstance(None, kinds)
    except Exception:  # noqa: BLE001 - a metaclass may refuse to be asked
        return None
    wanted = with_article(kind_name(cls))

    def fault(value: Any) -> Fault | None:
        if isinstance(value, kinds):
            return _fault_in_fields(value)
        return None if _stands_for(cls, value) else Fault(wanted, shown(value))

    # What has fields of its own is looked into.
    exact = frozenset() if isinstance(CODECS.get(cls), Record) else frozenset(kinds)
    return Check(exact, wanted, fault)


_FORMAL = frozenset({"typing", "typing_extensions", "collections.abc"})
"""Modules of classes that have no instances of their own."""

TOWER: dict[type, tuple[type, ...]] = {
    float: (float, int),
    complex: (complex, float, int),
    bytes: (bytes, bytearray),
}
"""What type checkers take for more than its own instances. (A bool is an int by itself.)"""


def _stands_for(cls: type, value: object) -> bool:
    """Whether a value that is no instance of `cls` has to be taken for one all the same."""
    if value is None:
        # An object that is gone, of a class whose calls are to be made with None for it.
        return any(
            issubclass(model, cls) and registry.gone_policy(model) == "pass_none" for model in [*registry.model_names]
        )
    # A class that was made anew, by importlib.reload for one.
    return any(
        (base.__module__, base.__qualname__) == (cls.__module__, cls.__qualname__) for base in type(value).__mro__
    )


_fields: dict[type, dict[str, Check]] = {}


def _fault_in_fields(value: object) -> Fault | None:
    """Look at the fields of an instance that travels by value. (pydantic's models have looked themselves.)"""
    cls = type(value)
    if not isinstance(codec := CODECS.get(cls), Record):
        return None
    checks = _fields.get(cls)
    if checks is None:
        checks = _fields[cls] = _field_checks(cls, codec.arguments)
    for name, check in checks.items():
        if fault := check.look(getattr(value, name, None)):
            return fault.inside(f".{name}")
    return None


def _field_checks(cls: type, arguments: Mapping[str, str | None]) -> dict[str, Check]:
    checks = _checks({name: hint for name, hint in _hints(cls).items() if name in arguments})
    none_by_default = {one.name for one in signature(cls).parameters.values() if one.default is None}
    return {name: or_none(check) if arguments[name] in none_by_default else check for name, check in checks.items()}


def _hints(cls: type) -> dict[str, Any]:
    """The annotations of a class and its bases, each in its own module."""
    hints: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        hints |= resolved(get_annotations(base), _namespace(base))
    return hints


def _namespace(thing: Any) -> dict[str, Any]:
    """What names mean where `thing` was written."""
    module = sys.modules.get(thing.__module__)
    return vars(module) if module else {}


def _checks(hints: Mapping[str, Any]) -> dict[str, Check]:
    checks = {name: check_of(hint) for name, hint in hints.items()}
    return {name: check for name, check in checks.items() if check is not None}


def _is_typed_dict(cls: type) -> bool:
    return cls.__base__ is dict and hasattr(cls, "__required_keys__") and hasattr(cls, "__total__")


def _typed_dict(cls: Any) -> Check:
    # When the first value comes: such types may name themselves.
    hints = cache(lambda: _hints(cls))
    checks = cache(lambda: _checks(hints()))
    wanted = f"a dict as {cls.__qualname__}"

    def fault(value: Any) -> Fault | None:
        if not isinstance(value, dict):
            return Fault(wanted, shown(value))
        for name, hint in hints().items():
            if name not in value and _required(cls, name, hint):
                return Fault(wanted, f"one without {name!r}")
        for name, check in checks().items():
            if name in value and (found := check.look(value[name])):
                return found.inside(f"[{name!r}]")
        return None

    return Check(frozenset(), wanted, fault)


def _required(cls: Any, name: str, hint: object) -> bool:
    # The class itself knows it only of annotations that are not kept as text.
    form = typing.get_origin(hint)
    return form is typing.Required or (form is not typing.NotRequired and name in cls.__required_keys__)


# Forms


def _union(_origin: object, args: tuple[Any, ...]) -> Check | None:
    checks = [check for check in map(check_of, args) if check is not None]
    return any_of(checks) if len(checks) == len(args) else None


def _literal(_origin: Any, args: tuple[Any, ...]) -> Check:
    wanted = ("one of " if len(args) > 1 else "") + ", ".join(map(repr, args))

    def fault(value: object) -> Fault | None:
        if any(type(value) is type(one) and value == one for one in args):
            return None
        return Fault(wanted, shown(value))

    return Check(frozenset(), wanted, fault)


def _first(_origin: Any, args: tuple[Any, ...]) -> Check | None:
    return check_of(args[0])


def _elements(origin: type, args: tuple[Any, ...]) -> Check | None:
    whole = _class(origin)
    each = check_of(args[0])
    if whole is None or each is None:
        return whole

    def fault(value: Any) -> Fault | None:
        return whole.look(value) or (_fault_in(value, each) if type(value) in _READABLE else None)

    return Check(frozenset(), whole.wanted, fault)


_READABLE = frozenset({list, tuple, set, frozenset, dict})
"""Containers that can be gone through without anybody's code being run."""


def _fault_in(values: Iterable[object], each: Check) -> Fault | None:
    exact = each.exact
    for number, value in enumerate(values):
        if type(value) not in exact and (found := each.fault(value)):
            return (
                found.inside(f"[{number}]") if type(values) in (list, tuple) else found.inside(")", "(an element of ")
            )
    return None


def _tuple(origin: type, args: tuple[Any, ...]) -> Check | None:
    if len(args) == 2 and args[1] is ...:
        return _elements(origin, args)
    whole = _class(tuple)
    if whole is None or any(getattr(one, "__unpacked__", False) or _is_unpack(one) for one in args):
        return whole
    checks = [check_of(one) for one in args]
    wanted = f"a tuple of {len(args)}"

    def fault(value: Any) -> Fault | None:
        if not isinstance(value, tuple):
            return Fault(wanted, shown(value))
        if len(value) != len(checks):
            return Fault(wanted, f"of {len(value)}")
        for number, (check, item) in enumerate(zip(checks, value, strict=True)):
            if check is not None and (found := check.look(item)):
                return found.inside(f"[{number}]")
        return None

    return Check(frozenset(), wanted, fault)


def _is_unpack(annotation: Any) -> bool:
    return typing.get_origin(annotation) is typing.Unpack


def _pairs(origin: type, args: tuple[Any, ...]) -> Check | None:
    whole = _class(origin)
    of_key, of_value = map(check_of, args)
    if whole is None or (of_key is None and of_value is None):
        return whole

    def fault(value: Any) -> Fault | None:
        if found := whole.look(value):
            return found
        for key, item in value.items() if type(value) is dict else ():
            if of_key is not None and (found := of_key.look(key)):
                return found.inside(")", "(a key of ")
            if of_value is not None and (found := of_value.look(item)):
                return found.inside(f"[{shown(key, alone=True)}]")
        return None

    return Check(frozenset(), whole.wanted, fault)


def _alias(alias: Any) -> Check:
    # When the first value comes: aliases may name themselves.
    meaning = cache(lambda: check_of(resolved({"": alias.__value__}, _namespace(alias)).get("", Any)))

    def fault(value: object) -> Fault | None:
        check = meaning()
        return None if check is None else check.look(value)

    return Check(frozenset(), alias.__name__, fault)


_FORMS: dict[Any, Callable[[Any, tuple[Any, ...]], Check | None]] = {
    typing.Union: _union,
    types.UnionType: _union,
    typing.Literal: _literal,
    typing.Annotated: _first,
    typing.Required: _first,
    typing.NotRequired: _first,
    list: _elements,
    tuple: _tuple,
    set: _elements,
    frozenset: _elements,
    abc.Iterable: _elements,
    abc.Collection: _elements,
    abc.Sequence: _elements,
    abc.MutableSequence: _elements,
    abc.Set: _elements,
    abc.MutableSet: _elements,
    dict: _pairs,
    abc.Mapping: _pairs,
    abc.MutableMapping: _pairs,
}
"""What `typing.get_origin` answers -> how the form is understood."""
