"""Classes with declared fields: dataclasses, attrs classes, NamedTuples and msgspec Structs.

One way for all four: fields are read as attributes, and given back to the constructor by name; what the
constructor does not take (`init=False`) is set afterwards. attrs is known by what it leaves on a class.
"""

from __future__ import annotations

import dataclasses
import inspect
from typing import TYPE_CHECKING

import msgspec

from .refusals import PlacelessError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_CONTENT = (str, bytes, bytearray, int, float, complex, list, tuple, dict, set, frozenset)


class Record:
    __slots__ = ("arguments", "cls", "fields", "name")

    def __init__(self, name: str, cls: type, arguments: Mapping[str, str | None]) -> None:
        self.name = name
        self.cls = cls
        self.arguments = arguments
        self.fields = arguments.keys()
        _check_constructor(cls, [parameter for parameter in arguments.values() if parameter is not None])

    def take(self, instance: object) -> dict[str, object]:
        try:
            return {field: getattr(instance, field) for field in self.arguments}
        except AttributeError as error:
            raise PlacelessError(TypeError, f"has a field without a value: {error}") from error

    def make(self, fields: dict[str, object]) -> object:
        check_fields(self.name, self.arguments, fields)
        try:
            made: object = self.cls(
                **{parameter: fields[field] for field, parameter in self.arguments.items() if parameter is not None}
            )
            for field, parameter in self.arguments.items():
                if parameter is None:
                    # Past a frozen class's own __setattr__, to names the class declares and no others.
                    object.__setattr__(made, field, fields[field])
        except Exception as error:
            raise rejected(self.name, error) from error
        return made


def arguments_of(cls: type) -> dict[str, str | None] | None:
    """Every declared field with the constructor's name for it, None where the constructor takes none.

    None for a class of another kind. A plain subclass of a dataclass is one: its own annotations are no fields,
    and would be lost without a word.
    """
    own = vars(cls)
    if "__dataclass_fields__" in own:
        return {field.name: field.name if field.init else None for field in dataclasses.fields(cls)}
    if "__attrs_attrs__" in own:
        return {
            field.name: (getattr(field, "alias", None) or field.name.lstrip("_")) if field.init else None
            for field in own["__attrs_attrs__"]
        }
    if issubclass(cls, msgspec.Struct):
        return {field: field for field in cls.__struct_fields__}
    if issubclass(cls, tuple) and isinstance(fields := getattr(cls, "_fields", None), tuple):
        return {field: field for field in fields}
    return None


def _check_constructor(cls: type, parameters: Iterable[str]) -> None:
    """Refuse when the class is declared what would otherwise fail in a worker, at the first message."""
    if issubclass(cls, _CONTENT) and not hasattr(cls, "_fields"):
        raise TypeError(f"{cls.__module__}.{cls.__qualname__} holds more than its fields: it subclasses a builtin type")
    try:
        inspect.signature(cls).bind(**dict.fromkeys(parameters))
    except TypeError as error:
        raise TypeError(f"{cls.__module__}.{cls.__qualname__} cannot be made from its fields: {error}") from error


def check_fields(name: str, declared: Mapping[str, object], fields: dict[str, object]) -> None:
    wanted, given = declared.keys(), fields.keys()
    if wanted == given:
        return
    if missing := wanted - given:
        raise ValueError(f"{name} lacks the field {min(missing)!r}")
    if unknown := given - wanted:
        raise ValueError(f"{name} has no field {min(map(str, unknown))[:80]!r}")


def rejected(name: str, error: Exception) -> ValueError:
    """What a constructor said, as one line: some validators write a page."""
    said = " ".join(str(error).split()) or type(error).__name__
    return ValueError(f"{name} does not accept its fields: {said[:500]}")
