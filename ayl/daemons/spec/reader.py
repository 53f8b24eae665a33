"""Reads nodes by the kinds of a table, and gathers all that is wrong."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import yaml

from ayl.daemons.spec.documents import place
from ayl.daemons.spec.kinds import called, scalar
from ayl.daemons.spec.problems import Place, Problem, Wrong, near
from ayl.daemons.spec.variables import expanded

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ayl.daemons.spec.kinds import Kind


@dataclass(frozen=True, slots=True)
class Found:
    """A value, where it was found, and under which key."""

    value: Any
    place: Place
    key: str
    """Its path, as in `applications.shop.user`."""


LONGEST = 60
"""Characters of a name that are told."""

Section: TypeAlias = "dict[str, Found]"
"""What stands in a mapping, by its keys."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong, and what is unwise."""

    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    secrets: list[Found] = field(default_factory=list)
    """What a file holds that not everybody should read."""

    def add(self, found: Found, text: str) -> None:
        """Something is wrong with this value."""
        self.problems.append(Problem(found.place, found.key, text))

    def warn(self, found: Found, text: str) -> None:
        """Something is unwise there."""
        self.warnings.append(Problem(found.place, found.key, text))


@dataclass(frozen=True, slots=True)
class Reader:
    """Of one file."""

    file: str
    variables: Mapping[str, str]
    trouble: Trouble

    def expanded(self, text: str) -> str:
        """With the values of its variables; Wrong."""
        return expanded(text, self.variables)

    def complain(self, node: yaml.Node, key: str, text: str) -> None:
        """Something is wrong there."""
        self.trouble.problems.append(Problem(place(node, self.file), key, text))

    def value(self, kind: Kind, node: yaml.Node, key: str) -> Found | None:
        """None, and a complaint, if nothing of this kind stands there."""
        try:
            return Found(kind.read(node, key, self), place(node, self.file), key)
        except Wrong as wrong:
            self.complain(node, key, f"{wrong}; expected {wrong.expected or kind.expected}")
            return None

    def pairs(self, node: yaml.Node, key: str) -> Iterator[tuple[str, yaml.Node, yaml.Node]]:
        """The names of a mapping, with their own nodes and those of their values; complaints for those twice there.

        Wrong if it is none.
        """
        if not isinstance(node, yaml.MappingNode):
            raise Wrong(called(node))
        seen: dict[str, Place] = {}
        for name_node, value_node in node.value:
            try:
                name = scalar(name_node)
            except Wrong as wrong:
                self.complain(name_node, key, f"a key here {wrong}; expected a name")
                continue
            where = place(name_node, self.file)
            if name in seen:
                text = f"stands here twice; expected once: the first is at {seen[name]}"
                self.complain(name_node, joined(key, name), text)
            else:
                seen[name] = where
                yield name, name_node, value_node

    def section(self, title: str, kinds: Mapping[str, Kind], node: yaml.Node, key: str) -> Section:
        """A mapping with these keys and no others. `title`: what it describes. Wrong if it is none."""
        found: Section = {}
        for name, name_node, value_node in self.pairs(node, key):
            path = joined(key, name)
            if name not in kinds:
                self.complain(name_node, path, unknown(name, title, kinds))
            elif (value := self.value(kinds[name], value_node, path)) is not None:
                found[name] = value
        return found

    def missing(self, names: Iterable[str], node: yaml.Node, key: str) -> None:
        """Complaints for those of these names that a mapping does not have."""
        there = {str(name.value) for name, _ in node.value} if isinstance(node, yaml.MappingNode) else set()
        for name in names:
            if name not in there:
                self.complain(node, joined(key, name), "is missing; expected it here")


def joined(key: str, name: str) -> str:
    """The path of a key within another."""
    name = name if len(name) <= LONGEST else name[:LONGEST] + "…"
    return f"{key}.{name}" if key else name


def unknown(name: str, title: str, kinds: Mapping[str, Kind]) -> str:
    """What is told of a key that may not stand here."""
    meant = near(name, kinds)
    return f"unknown key; expected a key of {title}{meant or ': ' + ', '.join(kinds)}"
