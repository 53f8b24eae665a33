"""Upgrades: how a call that an older release has sent is written for this one.

    ayl.upgrade("shop.Order", to="shop.sales.Order")

    @ayl.upgrade("shop.sales.Order.ship", before="1.5")
    def ship(call: ayl.Call) -> ayl.Call:
        return replace(call, kwargs={"insured": False, **call.kwargs})

`ayl_beanstalk migrate` asks them when it moves the calls of an old release to the tubes of the new one, and `manifest`
lists them. They see a call as it is written down: no object is found, and no database asked. Pure.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import lru_cache
from types import MappingProxyType
from typing import Any, TypeVar, overload

from ayl.errors import Bury, CannotRun, InvalidOption, NotRegistered
from ayl.values import references
from ayl.values.tags import REFERENCE, SCALARS, TAG


@dataclass(frozen=True, slots=True)
class Call:
    """A call of an older release, or what is to be made of it.

    Values are in the form that they have in a message: a stored object is `{"$ref": ["shop.Order", 42]}`, a Decimal
    `{"$t": ["Decimal", "3.50"]}`. What an upgrade adds may be any value that can be sent. `dataclasses.replace` makes
    a changed copy.
    """

    receiver: Any
    """Whose method is called: `{"$ref": ["shop.Order", 42]}`; a class is `{"$ref": ["shop.Order"]}`. None for a
    function.
    """
    method: str
    """The method's name, or the registered name of a function."""
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "args", tuple(self.args))
        object.__setattr__(self, "kwargs", MappingProxyType(dict(self.kwargs)))

    @property
    def model(self) -> str:
        """The name of the class that the receiver is of; empty for a function, and for what has no registered one."""
        return model_of(self.receiver)

    @property
    def name(self) -> str:
        """What is called: `shop.Order.ship`, or the name of a function."""
        return name_of(self.receiver, self.method)


def model_of(receiver: Any) -> str:
    """The registered name in an encoded receiver; empty if it has none."""
    if type(receiver) is not dict or len(receiver) != 1:  # not by a pattern, which takes ten times as long
        return ""
    ((mark, parts),) = receiver.items()
    if mark == TAG and type(parts) is list and parts[:1] in _VALUES:
        parts = parts[1:]
    elif mark != REFERENCE:
        return ""
    return parts[0] if type(parts) is list and parts and type(parts[0]) is str else ""


_VALUES = (["value"], ["enum"], ["flag"])
"""How the tags of registered classes begin."""


def name_of(receiver: Any, method: str) -> str:
    """What a message calls, as upgrades name it."""
    model = model_of(receiver)
    return f"{model}.{method}" if model else method


U = TypeVar("U", bound=Callable[[Call], Call])


@dataclass(frozen=True, slots=True)
class Upgrade:
    """One declaration. Either `to` or `function` is given."""

    old: str
    before: str = ""
    """The release from which on calls are written anew; empty for calls of any."""
    to: str = ""
    function: Callable[[Call], Call] | None = None

    @property
    def moment(self) -> "Release":
        """For an order: those without a release come last."""
        return release(self.before) or LAST

    def __str__(self) -> str:
        return self.to if self.function is None else f"{self.function.__module__}.{self.function.__qualname__}"


Table = dict[str, dict[str, Upgrade]]
"""Old name -> release -> what is declared for it."""

UPGRADES: Table = {}
"""All that the code which is loaded has declared."""

Release = tuple[tuple[int | float, ...], int]
"""Its numbers, and 0 for what comes before these (a release candidate), or else 1."""

LAST: Release = ((float("inf"),), 1)

_release = re.compile(
    r"v?(\d+(?:[._-]\d+)*)([._-]?(?:a|b|c|rc|alpha|beta|pre|dev)[._-]?\d*)?(?:[+;_-].*)?", re.DOTALL
).fullmatch


@lru_cache(1024)
def release(version: str) -> Release | None:
    """Where a version stands among others: 1.4.10 is after 1.4.9, 1.5rc1 before 1.5, 2026-11-22 after 2026-3-1. None
    for one that has no place, such as a commit's hash.
    """
    found = _release(version)
    if found is None:
        return None
    numbers = [int(number) for number in re.findall(r"\d+", found[1])]
    while len(numbers) > 1 and not numbers[-1]:
        del numbers[-1]
    return (*numbers,), int(found[2] is None)


@overload
def upgrade(old: str, /, *, to: str, before: str | None = None) -> None: ...
@overload
def upgrade(old: str, /, *, before: str | None = None) -> Callable[[U], U]: ...
def upgrade(old: str, /, *, to: str | None = None, before: str | None = None) -> Callable[[U], U] | None:
    """Say what becomes of calls of an older release when they are migrated to this one.

    `old` is a name that messages have: of a class (`shop.Order`), of a method (`shop.Order.ship`) or of a function
    (`shop.restock`). With `to` that is what it is called now; a class is renamed wherever a message names it. Without
    `to` this decorates a function that is given each such `ayl.Call` (of a class: each call on it) and returns the one
    to make in its place, or raises `ayl.Bury(reason)` if there is none: then the job is buried with that reason.

    `before` is the release that it came with, such as `"1.5"`: it is asked for calls of earlier ones only, and upgrades
    of several releases follow on each other. Without it, it is asked for calls of any release, those of this one too.

    InvalidOption or NotRegistered for what makes no sense.
    """
    _check_name(old)
    if before is not None:
        _check_release(before)
    if to is not None:
        _check_name(to)
        if to == old:
            raise NotRegistered(f"{old!r} is called that already: to is its new name")
        _enter(Upgrade(old, before or "", to))
        return None

    def decorate(function: U) -> U:
        _check_function(function)
        _enter(Upgrade(old, before or "", function=function))
        return function

    return decorate


def _enter(new: Upgrade) -> None:
    known = UPGRADES.get(new.old, {})
    other = known.get(new.before)
    if other is not None and str(other) != str(new):  # a reloaded module may replace its own
        when = f" before {new.before}" if new.before else ""
        raise NotRegistered(f"calls of {new.old!r}{when} have an upgrade already: {other}; there can be one")
    UPGRADES[new.old] = {**known, new.before: new}


def _check_name(name: object) -> None:
    if not isinstance(name, str):
        raise NotRegistered(
            f'@ayl.upgrade takes an old name first, as in @ayl.upgrade("shop.Order.ship"), not {name!r}'
        )
    if not name or not name.isprintable() or name.strip() != name:
        raise NotRegistered(f"{name!r} is no name that a message could have")
    if name.rpartition(".")[2].startswith("_"):
        raise NotRegistered(f"{name!r} is private, and no message may name it")


def _check_release(before: object) -> None:
    place = release(before) if isinstance(before, str) else None
    if place is None or not place[1]:
        raise InvalidOption(f"before is a release, which is made of numbers, as 1.5 or 2026-11-22, not {before!r}")


def _check_function(function: object) -> None:
    from inspect import iscoroutinefunction, isgeneratorfunction, signature  # takes long to load

    name = getattr(function, "__qualname__", repr(function))
    if not callable(function) or isinstance(function, type):
        raise NotRegistered(f'@ayl.upgrade("…") is for functions, not for {name}')
    if iscoroutinefunction(function) or isgeneratorfunction(function):
        raise NotRegistered(f"{name} is asked for a call, and has to return it: make it a plain function")
    try:
        signature(function).bind(None)
    except TypeError as error:
        raise NotRegistered(f"{name} is called with one argument, the old call: {error}") from None


def upgraded(call: Call, version: str, table: Table = UPGRADES) -> Call:
    """What all upgrades together make of a call that was sent by this version; the very call if none is for it.

    CannotRun, with the reason, if one of them says that there is nothing to be made of it.
    """
    if not are_there(call.receiver, call.method, (*call.args, *call.kwargs.values()), table):
        return call
    present = release(version)
    used: set[tuple[str, str]] = set()
    while applicable := [one for one in _for(call, table) if _is_due(one, call, version, present, used)]:
        chosen = min(applicable, key=lambda one: one.moment)
        used.add((chosen.old, chosen.before))
        call = _applied(chosen, call)
        if chosen.before and (present is None or chosen.moment > present):
            present = chosen.moment
    return call


def are_there(receiver: Any, method: str, values: Iterable[Any], table: Table = UPGRADES) -> bool:
    """Whether any may have to do with this call; most are told by this alone."""
    return any(name in table for name in _names(receiver, method, values))


def _names(receiver: Any, method: str, values: Iterable[Any]) -> list[str]:
    """All names by which there may be an upgrade for it: its own, that of its class, and those that it refers to."""
    model = model_of(receiver)
    names = [f"{model}.{method}" if model else method, model]
    for value in values:
        if type(value) not in SCALARS:
            with suppress(ValueError):  # what is wrong with a value is told where it is decoded
                names += [parts[0] for parts in references(value)]
    return names


def _for(call: Call, table: Table) -> Iterator[Upgrade]:
    """Every upgrade that has to do with one of its names."""
    names = _names(call.receiver, call.method, (*call.args, *call.kwargs.values()))
    for name in dict.fromkeys(names):
        for one in table.get(name, {}).values():
            if one.to or name in names[:2]:
                yield one


def _is_due(one: Upgrade, call: Call, version: str, present: Release | None, used: set[tuple[str, str]]) -> bool:
    if not one.before:
        return (one.old, one.before) not in used
    if present is None:
        raise CannotRun(
            f"it was sent by the version {version!r}, and nobody can tell whether that is before {one.before}, as the "
            f"upgrade of {call.name} to {one} asks"
        )
    return present < one.moment


def _applied(one: Upgrade, call: Call) -> Call:
    if one.function is None:
        return _renamed(call, one.old, one.to)
    try:
        # Of a copy: it may change a list in place.
        new = one.function(Call(_copied(call.receiver), call.method, *_copied([[*call.args], dict(call.kwargs)])))
    except Bury as error:
        raise CannotRun(str(error)) from error
    except Exception as error:
        raise CannotRun(f"its upgrade {one} failed: {type(error).__name__}: {error}") from error
    if not isinstance(new, Call):
        raise CannotRun(f"its upgrade {one} has returned {type(new).__qualname__}, and no call")
    return new


def _renamed(call: Call, old: str, new: str) -> Call:
    if call.name == old and call.receiver is None:
        return replace(call, method=new)
    if call.name == old:
        model, _, method = new.rpartition(".")
        return replace(call, receiver=_rewritten(call.receiver, call.model, model), method=method)
    receiver, *args = (_rewritten(value, old, new) for value in (call.receiver, *call.args))
    return Call(receiver, call.method, (*args,), {name: _rewritten(one, old, new) for name, one in call.kwargs.items()})


def _copied(data: Any) -> Any:
    match data:
        case dict():
            return {key: _copied(value) for key, value in data.items()}
        case list():
            return [_copied(value) for value in data]
    return data


def _rewritten(data: Any, old: str, new: str) -> Any:
    """The encoded value, in which all references to the class `old` are ones to `new`."""
    match data:
        case {"$ref": [name, *key]} if name == old:
            return {REFERENCE: [new, *key]}
        case {"$t": ["value" | "enum" | "flag" as kind, name, *rest]} if name == old:
            return {TAG: [kind, new, *(_rewritten(item, old, new) for item in rest)]}
        case dict():
            return {key: _rewritten(item, old, new) for key, item in data.items()}
        case list():
            return [_rewritten(item, old, new) for item in data]
    return data
