"""The shape of a marked value, and the limits both directions share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

NoneType: Final = type(None)

TAG: Final = "$t"
REFERENCE: Final = "$ref"

LEVELS: Final = 100
"""How deep values may nest: far beyond any sensible argument, far below Python's own limit. It ends cycles too."""

SCALARS: Final = frozenset({NoneType, bool, int, float, str})
"""The types JSON holds without nesting."""


def tag(name: str, *payload: Any) -> dict[str, Any]:
    return {TAG: [name, *payload]}


def kind_name(kind: type) -> str:
    """How a type is called in a sentence: `Decimal` and `list`, but `shop.Money`."""
    if kind is NoneType:
        return "None"
    if kind.__module__ in _KNOWN_BY_ONE_NAME:
        return kind.__qualname__
    return f"{kind.__module__}.{kind.__qualname__}"


_KNOWN_BY_ONE_NAME = frozenset({"builtins", "datetime", "decimal", "pathlib", "pathlib._local", "uuid"})


class Leaf(NamedTuple):
    """A tag whose payload holds scalars only, so that reading it needs neither a depth nor a way to find objects."""

    name: str
    make: Callable[..., object]
    takes: tuple[tuple[type, ...], ...]
    """For every place of the payload the types allowed there: exactly these, so a bool is no int."""
    optional: int = 0
    """How many of the last places may be left out."""

    def read(self, payload: list[Any]) -> object:
        if not len(self.takes) - self.optional <= len(payload) <= len(self.takes):
            raise self._misfit(payload)
        for item, kinds in zip(payload, self.takes, strict=False):
            if type(item) not in kinds:
                raise self._misfit(payload)
        try:
            return self.make(*payload)
        except (ValueError, TypeError, ArithmeticError) as error:
            raise ValueError(f"the tag {self.name!r} holds no such value: {error}") from error

    def _misfit(self, payload: list[Any]) -> ValueError:
        return ValueError(f"the tag {self.name!r} takes {_listed(self.takes)}, not {_given(payload)}")


def _listed(takes: tuple[tuple[type, ...], ...]) -> str:
    return "(" + ", ".join("|".join(kind_name(kind) for kind in kinds) for kinds in takes) + ")"


def _given(payload: list[Any]) -> str:
    # Types and never the values themselves: a hostile payload may be large, deep, or an int too long to print.
    shown = ", ".join(kind_name(type(item)) for item in payload[:6])
    return f"({shown}, …)" if len(payload) > 6 else f"({shown})"


def shortened(text: str) -> str:
    """A text from a message, as it may appear in an error."""
    return repr(text) if len(text) <= 80 else f"{text[:80]!r}…"
