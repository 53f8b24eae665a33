"""Upgrades: how a call that an older release has sent is written for this one.

    ayl.upgrade("shop.Order", to="shop.sales.Order")

    @ayl.upgrade("shop.sales.Order.ship", before="1.5")
    def ship(call: ayl.Call) -> ayl.Call:
        return replace(call, kwargs={"insured": False, **call.kwargs})

`ayl_beanstalk migrate` asks them (`ayl.translation`) when it moves the calls of an old release to the tubes of the new
one, and `manifest` lists them. They see a call as it is written down: no object is found, and no database asked.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Any, TypeVar, overload

from ayl.errors import InvalidOption, NotRegistered


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
    if mark == "$t" and type(parts) is list and parts[:1] in _VALUES:
        parts = parts[1:]
    elif mark != "$ref":
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
