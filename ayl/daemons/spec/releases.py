"""The kind of versions: text, or where it is found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from ayl.daemons.spec.kinds import RELATIVE, text
from ayl.daemons.spec.lanes import part
from ayl.daemons.spec.model import Version
from ayl.daemons.spec.problems import Wrong

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ayl.daemons.spec.reader import Reader


_VERSION = part("the version")
SOURCES = {
    "file": RELATIVE,
    "git": text("arguments of git, such as describe"),
    "attribute": text("MODULE:NAME", r"[A-Za-z_][A-Za-z0-9_.]*:[A-Za-z_][A-Za-z0-9_.]*"),
}
"""Where a version can be found."""


@dataclass(frozen=True, slots=True)
class Release:
    """A version, or where it is found."""

    expected: str = "text, or one of {file: PATH}, {git: describe}, {attribute: MODULE:NAME}"

    def read(self, node: yaml.Node, key: str, reader: Reader) -> Version:
        if not isinstance(node, yaml.MappingNode):
            return Version("text", _VERSION.read(node, key, reader))
        found = reader.section("a version", SOURCES, node, key)
        if len(node.value) != 1:
            raise Wrong(f"has {len(node.value)} keys")
        for source, value in found.items():
            return Version(source, value.value)
        return Version("", "")  # the complaint is there

    def schema(self) -> Mapping[str, Any]:
        sources = {name: kind.schema() for name, kind in SOURCES.items()}
        mapping = {"type": "object", "properties": sources, "additionalProperties": False}
        return {"anyOf": [_VERSION.schema(), mapping | {"minProperties": 1, "maxProperties": 1}]}
