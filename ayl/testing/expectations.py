"""A call that a test expects, and how it differs from one that was sent."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from difflib import ndiff
from pprint import pformat
from types import FunctionType
from typing import Any, Final, NamedTuple

from ayl import values
from ayl.composing import NOBODY
from ayl.errors import ArgumentsDoNotFit
from ayl.message import one_line
from ayl.references import refer
from ayl.registry import registry
from ayl.sending import receiver_and_target
from ayl.targets import method_target
from ayl.testing.calls import UNNAMED, Reference, SentCall, decoded
from ayl.values.classes import CODECS

SHORT = 60
"""Characters: two values of which one is longer are compared line by line."""


ABSENT = object()


class _Any:
    """Equal to everything."""

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 0

    def __repr__(self) -> str:
        return "ANY"


ANY: Final[Any] = _Any()
"""Stands for any argument. Whatever else knows equality does too: unittest.mock.ANY, pytest.approx(0.1)."""


class AnyOf:
    """Equal to a reference to any object of a class."""

    def __init__(self, cls: type) -> None:
        self._cls = cls

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Reference) or other.key is UNNAMED:
            return False
        return issubclass(registry.models.get(other.name, object), self._cls)

    __hash__ = None  # type: ignore[assignment] # it is compared and never kept in a set

    def __repr__(self) -> str:
        return repr(Reference(registry.model_names.get(self._cls, self._cls.__qualname__), ANY))


class Expected(NamedTuple):
    """A call that a test expects."""

    receiver: Any
    method: str
    arguments: dict[str, Any] | None
    """By the names of the parameters that they are for; None for any."""
    signature: inspect.Signature | None
    label: str
    """As Python would write it."""

    def is_target_of(self, call: SentCall) -> bool:
        """Whether it was sent to this method of this receiver."""
        return bool(self.method == call.method and self.receiver == call.receiver)

    def is_like(self, call: SentCall) -> bool:
        """Whether it is this call."""
        return self.is_target_of(call) and not self.differences(call)

    def differences(self, call: SentCall) -> list[str]:
        """What is not as expected in the arguments of a call of this method."""
        if self.arguments is None:
            return []
        sent = _bound(self.signature, call.args, call.kwargs)
        return [
            line
            for name in {**self.arguments, **sent}
            for line in _difference(name, self.arguments.get(name, ABSENT), sent.get(name, ABSENT))
        ]


def expected(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Expected:
    """The call of what `ayl.send` takes. `Order.ship`, without an object, takes the receiver as its first argument.

    Raises what a send would for a target that cannot be sent to or arguments that do not fit.
    """
    owner = _owner(function)
    if owner is None:
        target = to_any_call(function)
    else:
        target = to_any_call(function) if not args else to_any_call(function)._replace(receiver=_among(owner, args[0]))
        args = args[1:]
    given = [_neutral(arg, f"args[{number}]") for number, arg in enumerate(args)]
    named = {name: _neutral(value, f"kwargs[{name!r}]") for name, value in kwargs.items()}
    shown = [*map(repr, given), *(f"{name}={value!r}" for name, value in named.items())]
    label = f"{_prefix(target.receiver)}{target.method}({', '.join(shown)})"
    try:
        arguments = _bound(target.signature, given, named)
    except TypeError as error:
        raise ArgumentsDoNotFit(f"{one_line(label)} could never be sent: {error}") from None
    return target._replace(arguments=arguments, label=one_line(label))


def to_any_call(function: Callable[..., Any]) -> Expected:
    """A call of it with whatever arguments; `Order.ship`, without an object, is that method of any."""
    owner = _owner(function)
    if owner is not None:
        receiver: Any = AnyOf(owner)
        method = method_target(owner, function.__name__, on_class=False).name
    else:
        found, target = receiver_and_target(function)
        receiver = None if found is NOBODY else _neutral(found, "the receiver")
        method = target.name or target.label
    signature = _signature(function, without=owner is not None)
    return Expected(receiver, method, None, signature, one_line(f"{_prefix(receiver)}{method}(…)"))


def _prefix(receiver: Any) -> str:
    return "" if receiver is None else f"{receiver!r}."


def _among(owner: type, receiver: object) -> Any:
    neutral = _neutral(receiver, "the receiver")
    return neutral if isinstance(neutral, Reference) else AnyOf(owner)


def _owner(function: Callable[..., Any]) -> type | None:
    """The class, registered or the base of one that is, of which this is a method without its object."""
    if not isinstance(function, FunctionType) or function in registry.task_names:
        return None
    bases = (base for cls in [*registry.model_names] for base in cls.__mro__)
    return next((base for base in bases if vars(base).get(function.__name__) is function), None)


def _signature(function: Callable[..., Any], *, without: bool) -> inspect.Signature | None:
    """Its parameters, without the first if that is the object; None for builtins that do not tell."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return None
    return signature.replace(parameters=[*signature.parameters.values()][without:])


def _bound(signature: inspect.Signature | None, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments by parameter, so that it does not matter which were named. TypeError if they do not fit."""
    if signature is None:
        return {f"argument {number}": arg for number, arg in enumerate(args, 1)} | dict(kwargs)
    return dict(signature.bind(*args, **kwargs).arguments)


_MATCHER = "\0"
"""The name of what only the test knows; no registered name has it."""


def _neutral(value: object, place: str) -> Any:
    """The value as a recorded call has it, registered objects as References. What no message can hold stays."""
    kept: list[object] = []

    def refer_or_keep(obj: object) -> list[Any] | None:
        parts = refer(obj)
        if parts is None and type(obj) not in CODECS:
            kept.append(obj)
            return [_MATCHER, len(kept) - 1]
        return parts

    def found(parts: list[Any]) -> object:
        return kept[parts[1]] if parts[0] == _MATCHER else Reference(*parts)

    return decoded(values.encode(value, place, refer_or_keep), found)


# Differences


def _difference(name: str, wanted: Any, sent: Any) -> list[str]:
    if wanted is ABSENT:
        return [f"{name}: {sent!r} was sent, nothing was expected"]
    if sent is ABSENT:
        return [f"{name}: nothing was sent, {wanted!r} was expected"]
    if wanted == sent:
        return []
    if len(repr(wanted)) <= SHORT >= len(repr(sent)):
        return [f"{name}: {sent!r} was sent, {wanted!r} was expected"]
    lines = ndiff(pformat(sent).splitlines(), pformat(wanted).splitlines())
    return [f"{name}: - was sent, + was expected", *(f"  {line.rstrip()}" for line in lines)]
