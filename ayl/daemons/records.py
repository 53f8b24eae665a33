"""Facts in JSON that were written by somebody else: by another release, or by a daemon's user who means no good and has
root read them. What comes out has the types that its class says.
"""

from __future__ import annotations

import json
from dataclasses import MISSING, fields
from math import inf
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def read(text: str) -> dict[str, Any]:
    """The object that a text is. ValueError if it is none."""
    try:
        found = json.loads(text)
    except RecursionError:
        raise ValueError("too deep") from None
    if not isinstance(found, dict):
        raise ValueError("no object")
    return found


def facts(cls: Any, found: Mapping[str, Any], largest: float = inf) -> dict[str, Any]:
    """What is there for the fields of a dataclass; the rest is left. ValueError if something is missing, or is not what
    the class says. `largest`: beyond it no number makes sense.
    """
    for field in fields(cls):
        if field.name not in found:
            if field.default is MISSING and field.default_factory is MISSING:
                raise ValueError(f"no {field.name}")
        elif not _KINDS[str(field.type)](found[field.name], largest):
            raise ValueError(f"{field.name} is no {field.type}")
    return {field.name: found[field.name] for field in fields(cls) if field.name in found}


def _is_number(value: Any, largest: float) -> bool:
    # (What is no number at all, NaN, is not smaller either.)
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= largest


def _are_texts(values: Any, _: float) -> bool:
    return isinstance(values, list) and all(isinstance(value, str) for value in values)


def _is_mapping(found: Any, _: float) -> bool:
    return isinstance(found, dict) and all(isinstance(value, str) for value in found.values())


_KINDS: dict[str, Callable[[Any, float], bool]] = {
    "str": lambda value, _: isinstance(value, str),
    "int": lambda value, largest: isinstance(value, int) and _is_number(value, largest),
    "bool": lambda value, _: isinstance(value, bool),
    "float": _is_number,
    "float | None": lambda value, largest: value is None or _is_number(value, largest),
    "tuple[str, ...]": _are_texts,
    "tuple[str, str]": lambda value, _: _are_texts(value, _) and len(value) == 2,
    "Mapping[str, str]": _is_mapping,
    "dict[str, str]": _is_mapping,
    "Restart": lambda value, _: isinstance(value, str),
    "tuple[Process, ...]": lambda value, _: isinstance(value, list) and all(isinstance(one, dict) for one in value),
}
"""By the words of an annotation."""
