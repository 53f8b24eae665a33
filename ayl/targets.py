"""What a message may call: from a receiver and a method's name to a callable, and whether arguments fit it.

The same checks run where a call is sent and where it is run, because messages do not only come from senders
of our own making.
"""

import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import partialmethod
from typing import Any
from uuid import UUID

from ayl.errors import ArgumentsDoNotFit, NotCallable
from ayl.options import meant_by
from ayl.parameters import Parameters, hints, parameters
from ayl.registry import registry
from ayl.values import as_it_is
from ayl.values.classes import CODECS

PLAIN_TYPES = frozenset(
    {
        bool, int, float, complex, str, bytes, bytearray, list, tuple, dict, set, frozenset, range,
        datetime, date, time, timedelta, Decimal, UUID,
    }
)  # fmt: skip
"""Values whose own public methods may be called. No paths: theirs reach the file system."""

UNSAFE: dict[tuple[type, str], str] = {
    (str, "format"): "reads attributes by names found in its text",
    (str, "format_map"): "reads attributes by names found in its text",
    (str, "encode"): "imports a codec by its name",
    (bytes, "decode"): "imports a codec by its name",
    (bytearray, "decode"): "imports a codec by its name",
    (list, "sort"): "calls what it is given",
}
"""Methods of plain values that reach further than the value, and how."""

FRAMEWORKS = frozenset(
    {
        "attr", "attrs", "beanie", "django", "mongoengine", "msgspec", "peewee", "playhouse", "pony", "pydantic",
        "pydantic_settings", "sqlalchemy", "sqlmodel", "tortoise",
    }
)  # fmt: skip
"""Libraries whose base classes bring public methods (Django's delete rows, pydantic's read files) that nobody meant to
be sent. Python's own are treated alike.
"""


MOST_TYPES = 100
"""Combinations of types that are remembered for one function; most are called with one or two."""

Checks = tuple[Callable[[Any], bool], ...]

UNKNOWN = Parameters((), {}, ("", None), ("", None))
"""Stands for the annotations of a function that was not called yet."""


class Target:
    """A callable on the allow-list, with its signature understood."""

    __slots__ = ("_bound", "_fitting", "_function", "_least", "_most", "_parameters", "_signature", "label", "name")

    def __init__(self, label: str, name: str, function: Callable[..., Any], *, bound: int) -> None:
        self.label = label
        """What to call it in errors: `shop.Order.ship`."""
        self.name = name
        """The method's name; empty for a function."""
        # With self or cls, which `bound` counts: only so does a keyword of that name show as the clash that it is.
        self._signature = _signature(function)
        self._bound = (None,) * bound
        self._least, self._most = _positional_bounds(self._signature, bound)
        self._function = function
        # Understood at the first call: by then everything is defined that annotations may name.
        self._parameters: Parameters | None = UNKNOWN
        self._fitting: dict[tuple[object, ...], Checks] = {}

    @property
    def is_coroutine(self) -> bool:
        """Whether a call of it surely holds up no event loop: it begins only when it is awaited."""
        return inspect.iscoroutinefunction(self._function)

    @property
    def parameters(self) -> list[inspect.Parameter] | None:
        """Those that a call gives, without self or cls; None for a builtin that tells nothing of them."""
        return None if self._signature is None else [*self._signature.parameters.values()][len(self._bound) :]

    def hints(self) -> dict[str, Any]:
        """What its annotations say of these, as far as that is checked and can be understood."""
        return hints(self._function, self.parameters or ())

    def takes(self, args: Sequence[object], kwargs: Mapping[str, object]) -> "Checks | None":
        """None if it is not known that calls with arguments of these types fit. Otherwise both checks below can be left
        out, and this is `values.as_it_is` of the positional ones.
        """
        return self._fitting.get(_types(args, kwargs) if kwargs else tuple(map(type, args)))

    def check(self, args: Sequence[object], kwargs: Mapping[str, object]) -> None:
        """ArgumentsDoNotFit if a call with these arguments could not begin."""
        if (not kwargs and self._least <= len(args) <= self._most) or self._signature is None:
            return
        try:
            self._signature.bind(*self._bound, *args, **kwargs)
        except TypeError as error:
            raise ArgumentsDoNotFit(
                f"{self.label}{self._shown()} does not accept this call: {error}{self._options_among(kwargs)}"
            ) from None

    def check_values(self, args: Sequence[object], kwargs: Mapping[str, object]) -> None:
        """ArgumentsDoNotFit if one of these is not what the annotation of its parameter says. After `check`."""
        if self.takes(args, kwargs) is not None:
            return
        if self._parameters is UNKNOWN:
            self._parameters = self._understood()
        if self._parameters is not None:
            found, told_by_types = self._parameters.mismatch(args, kwargs)
            if found is not None:
                raise ArgumentsDoNotFit(f"{self.label}{self._shown(answer=False)}: {found}")
            if not told_by_types:
                return
        if len(self._fitting) < MOST_TYPES:
            self._fitting[_types(args, kwargs)] = as_it_is(map(type, args))

    def _options_among(self, kwargs: Mapping[str, object]) -> str:
        """A hint for those who give options as arguments."""
        known = self._signature.parameters if self._signature is not None else {}
        meant = [option for name in kwargs if name not in known and (option := meant_by(name)) is not None]
        return f"; an option is given before: ayl.opts({meant[0]}=…).send(…)" if meant else ""

    def _understood(self) -> Parameters | None:
        signature = self._signature
        return None if signature is None else parameters(self._function, signature, len(self._bound))

    def _shown(self, *, answer: bool = True) -> str:
        signature = self._signature
        if signature is None:
            return "(…)"
        shown = [one.replace(annotation=_bare(one.annotation)) for one in self.parameters or ()]
        answers = _bare(signature.return_annotation) if answer else signature.empty
        return str(signature.replace(parameters=shown, return_annotation=answers))


def _types(args: Sequence[object], kwargs: Mapping[str, object]) -> tuple[object, ...]:
    """What all calls have in common that give as many arguments, of the same types and by the same names."""
    types: tuple[object, ...] = tuple(map(type, args))
    return (*types, *kwargs, *map(type, kwargs.values())) if kwargs else types


class _Bare(str):
    """An annotation that was written as text, or kept as such by `from __future__ import annotations`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def _bare(annotation: Any) -> Any:
    return _Bare(annotation) if isinstance(annotation, str) else annotation


def _positional_bounds(signature: inspect.Signature | None, bound: int) -> tuple[int, float]:
    """Fewest and most positional arguments that always fit without keywords; an empty range if none do."""
    if signature is None:
        return 0, -1
    least, most = -bound, float(-bound)
    for parameter in signature.parameters.values():
        required = parameter.default is parameter.empty
        if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD):
            least, most = least + required, most + 1
        elif parameter.kind is parameter.VAR_POSITIONAL:
            most = float("inf")
        elif parameter.kind is parameter.KEYWORD_ONLY and required:
            return 0, -1
    return max(0, least), most


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


def known_target(receiver: object, name: str) -> Target | None:
    """What `method_target` found before for a call on this receiver, whose class is registered: it may be made."""
    on_class = isinstance(receiver, type)
    cls = receiver if on_class else type(receiver)
    return _methods.get((cls, name, on_class)) if cls in registry.model_names else None


def function_target(name: str) -> tuple[Callable[..., Any], Target]:
    """The registered function of that name; NotRegistered if there is none."""
    function = registry.task(name)
    known = _functions.get(name)
    if known is None or known[0] is not function:
        _refuse_generators(name, function)
        known = _functions[name] = function, Target(name, "", function, bound=0)
    return known


def _find_method(cls: type, name: str, on_class: bool) -> Target:
    label = f"{registry.model_names.get(cls, cls.__qualname__)}.{name}"
    if name.startswith("_"):
        raise NotCallable(f"{label} is private: only public methods can be sent")
    allowed = registry.allowed_methods(cls)
    if allowed is not None and name not in allowed:
        raise NotCallable(f"{label} is not among the methods that may be sent: {', '.join(sorted(allowed)) or 'none'}")
    # Not getattr: that would run code, and would find the methods of the metaclass too.
    owner = next((base for base in cls.__mro__ if name in vars(base)), None)
    if owner is None:
        raise NotCallable(f"{label} does not exist{_similar(cls, name)}")
    found: Any = vars(owner)[name]
    if (owner, name) in UNSAFE:
        raise NotCallable(f"{label} {UNSAFE[owner, name]}, and cannot be sent")
    codec = CODECS.get(cls)
    if codec is not None and name in codec.fields:
        raise NotCallable(f"{label} is a field, which each instance fills as it likes, and cannot be sent")
    static = isinstance(found, (classmethod, staticmethod))
    function = found.__func__ if static else found
    if isinstance(found, partialmethod):
        function = getattr(cls, name)
    if not (static or inspect.isroutine(function) or isinstance(found, partialmethod)) or not callable(function):
        raise NotCallable(f"{label} is no method but a {type(found).__name__}")
    library = _library(cls, owner, found)
    if library and allowed is None:
        cure = "; methods=[…] of @ayl.model can allow it by name" if cls in registry.model_names else ""
        raise NotCallable(f"{label} is not the class's own but {library}'s, and cannot be sent{cure}")
    if on_class and not static:
        raise NotCallable(
            f"{label} is a method of instances: send it to one of them, or make it a classmethod or staticmethod"
        )
    _refuse_generators(label, function)
    return Target(label, name, function, bound=0 if isinstance(found, staticmethod) else 1)


def _library(cls: type, owner: type, found: Any) -> str:
    """The library that `cls` has this method from; empty for what its authors wrote."""
    # Django puts functions of its own into the very class: get_next_by_…, get_…_display.
    function = found.func if isinstance(found, partialmethod) else found
    for module in (owner.__module__, getattr(function, "__module__", None)):
        if isinstance(module, str) and _top(module) in FRAMEWORKS:
            return module
    if owner in PLAIN_TYPES or _top(owner.__module__) in ("builtins", _top(cls.__module__)):
        return ""
    return owner.__module__ if _top(owner.__module__) in sys.stdlib_module_names else ""


def _top(module: str) -> str:
    return module.partition(".")[0]


def _refuse_generators(label: str, function: Callable[..., Any]) -> None:
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise NotCallable(f"{label} is a generator: to call it would do nothing; send a function that runs through it")


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
