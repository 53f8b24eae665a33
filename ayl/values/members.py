"""Enum members: by name where they have one, combinations of a Flag by value."""

from __future__ import annotations

from enum import Enum, Flag
from typing import TYPE_CHECKING, Any, ClassVar

from .refusals import refusal
from .scalars import write_int
from .tags import shortened, tag

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet


class Members:
    __slots__ = ("cls", "name", "table")

    fields: ClassVar[AbstractSet[str]] = frozenset()
    """None: a member is all there is to it."""

    def __init__(self, name: str, cls: type[Enum]) -> None:
        self.name = name
        self.cls: type = cls
        self.table: Mapping[str, Enum] = cls.__members__

    def write(self, member: Enum) -> Any:
        if self.table.get(member._name_) is member:
            return tag("enum", self.name, member._name_)
        if not isinstance(member, Flag):
            # Made by a _missing_ of the class's own: the worker's class has no such member.
            raise refusal(member, "it is no declared member of its class; send its value")
        return tag("flag", self.name, write_int(member._value_))

    def member(self, name: str) -> Enum:
        member = self.table.get(name)
        if member is None:
            raise ValueError(f"{self.name} has no member {shortened(name)}")
        return member

    def combination(self, bits: int) -> Enum:
        if not issubclass(self.cls, Flag):
            raise ValueError(f"{self.name} is no Flag")
        try:
            made: Enum = self.cls(bits)
        except Exception as error:
            raise ValueError(f"{self.name} has no member of these bits: {error}") from error
        # A Flag may be declared to drop bits it does not know, or to answer with a bare int.
        if type(made) is not self.cls or made._value_ != bits:
            raise ValueError(f"{self.name} has no member of these bits")
        return made
