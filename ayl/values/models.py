"""pydantic models, known by what pydantic leaves on a class; pydantic itself is never imported.

Fields are taken as they are rather than through model_dump, which would turn the models inside into dicts, and
go back through model_validate, so that a message passes the same validation as any input. Beside its fields a
model is made of the fields that were set, of extra ones it allows, and of private attributes; two models that differ
in the latter are not equal.
"""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Any, TypeVar

from .records import check_fields, rejected
from .refusals import PlacelessError

if TYPE_CHECKING:
    from collections.abc import Callable

P = TypeVar("P", dict[str, object], set[str])

# No field can have these names: pydantic refuses to shadow its own attributes.
_SET = "model_fields_set"
_EXTRA = "model_extra"
_PRIVATE = "__pydantic_private__"


def is_model(cls: type) -> bool:
    return hasattr(cls, "__pydantic_validator__") and callable(getattr(cls, "model_validate", None))


class Model:
    __slots__ = ("cls", "config", "fields", "keys", "name", "private", "root", "validate")

    def __init__(self, name: str, cls: Any) -> None:
        self.name = name
        self.cls: type = cls
        self.fields = frozenset(cls.model_fields)
        self.private = frozenset(cls.__private_attributes__)
        self.root = bool(getattr(cls, "__pydantic_root_model__", False))
        self.config = cls.model_config
        self.validate: Callable[[object], object] = cls.model_validate
        if "by_name" in inspect.signature(cls.model_validate).parameters:
            self.validate = functools.partial(cls.model_validate, by_alias=False, by_name=True)
            self.keys = {field: field for field in cls.model_fields}
        else:
            # pydantic before 2.11 knows aliased fields by their alias only.
            self.keys = {field: info.validation_alias or field for field, info in cls.model_fields.items()}
        for field, key in self.keys.items():
            if not isinstance(key, str):
                raise TypeError(f"{name}.{field} has a composite alias, which needs pydantic 2.11 to be read again")

    def take(self, instance: Any) -> dict[str, object]:
        values = vars(instance)
        try:
            taken: dict[str, object] = {field: values[field] for field in self.keys}
        except KeyError as error:
            raise PlacelessError(TypeError, f"has a field without a value: {error}") from error
        extra = instance.model_extra
        if extra:
            taken[_EXTRA] = dict(extra)
        if self.private:
            taken[_PRIVATE] = dict(getattr(instance, _PRIVATE, None) or {})
        if instance.model_fields_set != self.fields.union(extra or ()):
            taken[_SET] = set(instance.model_fields_set)
        return taken

    def make(self, fields: dict[str, object]) -> object:
        extra = self._part(fields, _EXTRA, dict)
        private = self._part(fields, _PRIVATE, dict)
        chosen = self._part(fields, _SET, set)
        check_fields(self.name, self.keys, fields)
        if extra and (self.fields.intersection(extra) or self.config.get("extra") != "allow"):
            raise ValueError(f"{self.name} does not allow the extra fields it is given")
        if private and not self.private.issuperset(private):
            raise ValueError(f"{self.name} has no such private attributes as it is given")
        if chosen and not self.fields.union(extra or ()).issuperset(chosen):
            raise ValueError(f"{self.name} has no such fields as were set")
        content = fields["root"] if self.root else {self.keys[field]: fields[field] for field in fields} | (extra or {})
        try:
            made: object = self.validate(content)
            if private:
                object.__setattr__(made, _PRIVATE, private)
            if chosen is not None:
                object.__setattr__(made, "__pydantic_fields_set__", chosen)
        except Exception as error:
            raise rejected(self.name, error) from error
        return made

    def _part(self, fields: dict[str, object], part: str, kind: type[P]) -> P | None:
        """One of the parts beside the fields, all of which are collections of names."""
        if part not in fields:
            return None
        found = fields.pop(part)
        if type(found) is not kind or not all(type(name) is str for name in found):
            raise ValueError(f"{self.name} takes a {kind.__name__} of names as {part}")
        return found
