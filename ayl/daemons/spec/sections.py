"""The kinds of sections: mappings with the keys of a table, alone or by names."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ayl.daemons.spec.documents import place
from ayl.daemons.spec.kinds import is_empty, text
from ayl.daemons.spec.reader import joined

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import yaml

    from ayl.daemons.spec.keys import Key
    from ayl.daemons.spec.reader import Found, Reader, Section


@dataclass(frozen=True, slots=True)
class Mapped:
    """A section: a mapping with the keys of a table."""

    name: str
    """In the schema."""
    title: str
    """What it describes."""
    keys: Callable[[], Mapping[str, Key]]
    """Asked when it is needed: sections stand in each other's tables."""
    may_be_empty: bool = False
    """Whether `NAME:` alone is one that has all from its defaults."""

    @property
    def expected(self) -> str:
        return f"a mapping: the keys of {self.title}"

    def read(self, node: yaml.Node, key: str, reader: Reader) -> Section:
        keys = self.keys()
        is_there = not (self.may_be_empty and is_empty(node))
        kinds = {name: one.kind for name, one in keys.items()}
        found = reader.section(self.title, kinds, node, key) if is_there else {}
        reader.missing((name for name, one in keys.items() if one.is_required), node, key)
        return found

    def schema(self) -> Mapping[str, Any]:
        return {"$ref": f"#/$defs/{self.name}"}


NAME = r"[A-Za-z][A-Za-z0-9_-]{0,62}"
NAME_RULE = "a letter, then at most 62 letters, digits, _ and -"


_NAME = replace(text(NAME_RULE, NAME, takes_numbers=False), expands=False)


@dataclass(frozen=True, slots=True)
class Named:
    """`NAME: section`."""

    section: Mapped
    what: str
    """What is named, in the singular."""
    taken: tuple[str, ...] = ()
    """Names that mean something else."""

    @property
    def expected(self) -> str:
        return f"a mapping of names to what each {self.what} is"

    def read(self, node: yaml.Node, key: str, reader: Reader) -> dict[str, Found]:
        found: dict[str, Found] = {}
        for name, name_node, value_node in reader.pairs(node, key):
            path = joined(key, name)
            if name in self.taken:
                text = f"{name} is a name of its own; expected another name for this {self.what}"
                reader.complain(name_node, path, text)
            elif reader.value(_NAME, name_node, path) is None:
                continue
            elif (value := reader.value(self.section, value_node, path)) is not None:
                found[name] = replace(value, place=place(name_node, reader.file))
        return found

    def schema(self) -> Mapping[str, Any]:
        return {
            "type": "object",
            "propertyNames": {"pattern": f"^{NAME}$"},
            "additionalProperties": self.section.schema(),
        }
