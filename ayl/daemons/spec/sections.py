"""The kinds of sections: mappings with the keys of a table, alone or by names."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ayl.daemons.spec.documents import place
from ayl.daemons.spec.kinds import is_empty, text
from ayl.daemons.spec.reader import Found, joined

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import yaml

    from ayl.daemons.spec.kinds import Kind
    from ayl.daemons.spec.reader import Reader, Section


@dataclass(frozen=True, slots=True)
class Mapped:
    """A section: a mapping with the keys of a table."""

    name: str
    """In the schema."""
    title: str
    """What it describes."""
    kinds: Callable[[], Mapping[str, Kind]]
    """Asked when it is needed: sections stand in each other's tables."""

    @property
    def expected(self) -> str:
        return f"a mapping: the keys of {self.title}"

    def read(self, node: yaml.Node, key: str, reader: Reader) -> Section:
        return reader.section(self.title, self.kinds(), node, key)

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
            elif (value := self._section(value_node, path, reader)) is not None:
                found[name] = replace(value, place=place(name_node, reader.file))
        return found

    def _section(self, node: yaml.Node, path: str, reader: Reader) -> Found | None:
        """`NAME:` with nothing behind it is one that has all from its defaults."""
        if is_empty(node):
            return Found({}, place(node, reader.file), path)
        return reader.value(self.section, node, path)

    def schema(self) -> Mapping[str, Any]:
        return {
            "type": "object",
            "propertyNames": {"pattern": f"^{NAME}$"},
            "additionalProperties": self.section.schema(),
        }
