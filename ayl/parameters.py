"""Whether arguments are what a function's annotations say, compiled once for each function."""

import functools
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ayl.annotations import check_of, resolved
from ayl.faults import Check, or_none


class Parameters:
    """The annotated parameters of one function, without what the call is bound to."""

    __slots__ = ("_further", "_named", "_others", "_placed")

    def __init__(
        self,
        placed: Sequence[tuple[str, Check | None]],
        named: Mapping[str, Check | None],
        further: tuple[str, Check | None],
        others: tuple[str, Check | None],
    ) -> None:
        self._placed = placed
        """Those that can be given by their place."""
        self._named = named
        """Those that can be given by name."""
        self._further = further
        """`*args`, each of which has to fit ..."""
        self._others = others
        """... and `**kwargs`."""

    def mismatch(self, args: Sequence[object], kwargs: Mapping[str, object]) -> tuple[str | None, bool]:
        """`items[2].price is a float, not 'x' (str)`, or None if all is well; and whether that is so for all arguments
        of these types. Number and names of arguments fit.
        """
        told_by_types = True
        for place, check, value in self._checked(args, kwargs):
            if check is not None and type(value) not in check.exact:
                told_by_types = False
                if found := check.fault(value):
                    return found.told(place), False
        return None, told_by_types

    def _checked(
        self, args: Sequence[object], kwargs: Mapping[str, object]
    ) -> Iterator[tuple[str, Check | None, object]]:
        for (name, check), value in zip(self._placed, args, strict=False):
            yield name, check, value
        whole, check = self._further
        for number, value in enumerate(args[len(self._placed) :]):
            yield f"{whole}[{number}]", check, value
        whole, of_others = self._others
        for name, value in kwargs.items():
            if name in self._named:
                yield name, self._named[name], value
            else:
                yield f"{whole}[{name!r}]", of_others, value


_PLACED = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
_NAMED = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def parameters(function: Callable[..., Any], signature: inspect.Signature, bound: int) -> Parameters | None:
    """What `function` says of its parameters but the first `bound`; None if it says nothing that can be checked."""
    all_of_them = [*signature.parameters.values()]
    checks = _checks(function, all_of_them)
    if not checks:
        return None

    def of_kind(kind: object) -> tuple[str, Check | None]:
        name = next((one.name for one in all_of_them if one.kind is kind), "")
        return name, checks.get(name)

    placed = [one.name for one in all_of_them if one.kind in _PLACED][bound:]
    return Parameters(
        [(name, checks.get(name)) for name in placed],
        {one.name: checks.get(one.name) for one in all_of_them[bound:] if one.kind in _NAMED},
        of_kind(inspect.Parameter.VAR_POSITIONAL),
        of_kind(inspect.Parameter.VAR_KEYWORD),
    )


def _checks(function: Callable[..., Any], wanted: Sequence[inspect.Parameter]) -> dict[str, Check]:
    found = {}
    for name, hint in hints(function, wanted).items():
        if (check := check_of(hint)) is not None:
            found[name] = or_none(check) if _default(wanted, name) is None else check
    return found


def hints(function: Callable[..., Any], wanted: Sequence[inspect.Parameter]) -> dict[str, Any]:
    """What `function` says of these parameters of it, as far as that is to be checked and can be understood."""
    defined = _defined(function)
    if getattr(defined, "__no_type_check__", False):
        return {}
    annotated = {one.name: one.annotation for one in wanted if one.annotation is not one.empty}
    return resolved(annotated, getattr(defined, "__globals__", {}))


def _default(wanted: Sequence[inspect.Parameter], name: str) -> object:
    return next(one.default for one in wanted if one.name == name)


def _defined(function: Any) -> Any:
    """The function as it was written, within whatever wraps it; its module is where its annotations mean something."""
    for _ in range(LAYERS):
        inner = _within(function)
        if inner is None:
            break
        function = inner
    return function


LAYERS = 50
"""Of wrappers, more than anybody has: objects that answer to every attribute would have no end of them."""


def _within(function: Any) -> Any:
    if isinstance(function, functools.partial):
        return function.func
    for mark in ("_partialmethod", "__partialmethod__"):  # the latter from Python 3.13 on
        if isinstance(method := getattr(function, mark, None), functools.partialmethod):
            return method.func
    inner = getattr(function, "__wrapped__", None)
    if inner is None and not hasattr(function, "__globals__") and not isinstance(function, type):
        called = type(function).__call__  # an object that can be called
        return called if hasattr(called, "__globals__") else None
    return inner
