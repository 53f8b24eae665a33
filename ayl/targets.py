"""What a message may call: from a receiver and a method's name to a callable, and whether arguments fit it.

The same checks run where a call is sent and where it is run, because messages do not only come from senders
of our own making.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from types import FunctionType, MethodType
from typing import Any
from uuid import UUID

from ayl.errors import ArgumentsDoNotFit, NotCallable
from ayl.registry import registry

PLAIN_TYPES = frozenset(
    {
        bool, int, float, complex, str, bytes, bytearray, list, tuple, dict, set, frozenset, range,
        datetime, date, time, timedelta, Decimal, UUID,
    }
)  # fmt: skip
"""Values whose own public methods may be called. No paths: theirs reach the file system."""

UNSAFE = frozenset({(str, "format"), (str, "format_map")})
"""Methods that read attributes by names found in their text."""


class Target:
    """A callable on the allow-list, with its signature understood."""

    __slots__ = ("_least", "_most", "_signature", "label", "name")

    def __init__(self, label: str, name: str, signature: inspect.Signature | None) -> None:
        self.label = label
        """What to call it in errors: `shop.Order.ship`."""
        self.name = name
        """The method's name; empty for a function."""
        self._signature = signature
        self._least, self._most = _positional_bounds(signature)

    def check(self, args: Sequence[object], kwargs: Mapping[str, object]) -> None:
        """ArgumentsDoNotFit if a call with these arguments could not begin."""
        if not kwargs and self._least <= len(args) <= self._most:
            return
        if self._signature is None:
            return
        try:
            self._signature.bind(*args, **kwargs)
        except TypeError as error:
            raise ArgumentsDoNotFit(f"{self.label}{self._signature} does not accept this call: {error}") from None


def _positional_bounds(signature: inspect.Signature | None) -> tuple[int, float]:
    """Fewest and most positional arguments that always fit without keywords; an empty range if none do."""
    if signature is None:
        return 0, -1
    least, most = 0, 0.0
    for parameter in signature.parameters.values():
        required = parameter.default is parameter.empty
        if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD):
            least, most = least + required, most + 1
        elif parameter.kind is parameter.VAR_POSITIONAL:
            most = float("inf")
        elif parameter.kind is parameter.KEYWORD_ONLY and required:
            return 0, -1
    return least, most


_methods: dict[tuple[type, str, bool], Target] = {}
_functions: dict[str, tuple[Callable[..., Any], Target]] = {}


def method_target(cls: type, name: str, *, on_class: bool) -> Target:
    """The public method `name` of `cls`, for a call on an instance or on the class itself.

    Raises NotCallable if there is none, or if it needs an instance and is sent to the class. The class must
    be one that messages may name, or one of `PLAIN_TYPES`; that is the caller's business.
    """
    key = (cls, name, on_class)
    target = _methods.get(key)
    if target is None:
        target = _methods[key] = _find_method(cls, name, on_class)
    return target


def function_target(name: str) -> tuple[Callable[..., Any], Target]:
    """The registered function of that name; NotRegistered if there is none."""
    function = registry.task(name)
    known = _functions.get(name)
    if known is None or known[0] is not function:
        known = _functions[name] = function, Target(name, "", _signature(function))
    return known


def _find_method(cls: type, name: str, on_class: bool) -> Target:
    label = f"{registry.model_names.get(cls, cls.__qualname__)}.{name}"
    if name.startswith("_"):
        raise NotCallable(f"{label} is private: only public methods can be sent")
    found = inspect.getattr_static(cls, name, None)
    if found is None:
        raise NotCallable(f"{label} does not exist{_similar(cls, name)}")
    if any(found is getattr(owner, unsafe) for owner, unsafe in UNSAFE):
        raise NotCallable(f"{label} reads attributes by the names in its text and cannot be sent")
    if not (inspect.isroutine(found) or isinstance(found, (classmethod, staticmethod))):
        raise NotCallable(f"{label} is no method but a {type(found).__name__}")
    if not on_class:
        return Target(label, name, _instance_signature(cls, found, name))
    if not isinstance(found, (classmethod, staticmethod)):
        raise NotCallable(
            f"{label} is a method of instances: send it to one of them, or make it a classmethod or staticmethod"
        )
    return Target(label, name, _signature(getattr(cls, name)))


def _instance_signature(cls: type, found: Any, name: str) -> inspect.Signature | None:
    if isinstance(found, FunctionType):
        return _signature(MethodType(found, object()))
    bound = _signature(getattr(cls, name))
    if isinstance(found, (classmethod, staticmethod)) or bound is None:
        return bound
    return bound.replace(parameters=list(bound.parameters.values())[1:])  # without self


def _signature(function: Callable[..., Any]) -> inspect.Signature | None:
    try:
        return inspect.signature(function)
    except (TypeError, ValueError):  # some builtins have none; then only the call itself can tell
        return None


def _similar(cls: type, name: str) -> str:
    from difflib import get_close_matches

    public = [known for known in dir(cls) if not known.startswith("_")]
    close = get_close_matches(name, public, n=1)
    return f"; did you mean {close[0]!r}?" if close else ""
