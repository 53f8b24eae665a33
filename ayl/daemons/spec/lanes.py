"""The kinds of lanes and tubes, with or without shares, and of the parts of a tube's name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from ayl.daemons.spec.kinds import Single
from ayl.daemons.spec.problems import Wrong, shown
from ayl.daemons.spec.reader import joined
from ayl.daemons.spec.shapes import Items
from ayl.errors import InvalidOption
from ayl.tubes import RULE, check_part, lane_watchable, watchable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ayl.daemons.spec.reader import Reader


_share = re.compile("[1-9][0-9]{0,2}")


@dataclass(frozen=True, slots=True)
class Shares:
    """A list of names, or a mapping of names to shares."""

    what: str
    name: Single

    @property
    def expected(self) -> str:
        return f"a list of {self.what}, or a mapping of {self.what} to shares"

    def read(self, node: yaml.Node, key: str, reader: Reader) -> list[tuple[str, int | None]]:
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, key, reader)
        names = Items(self.name, self.what).read(node, key, reader)
        return _some([(found.value, None) for found in names], node)

    def _mapping(self, node: yaml.Node, key: str, reader: Reader) -> list[tuple[str, int | None]]:
        found = []
        for _, name_node, value_node in reader.pairs(node, key):
            name = reader.value(self.name, name_node, key)
            share = name and reader.value(_SHARE, value_node, joined(key, name.value))
            if name and share:
                found.append((name.value, share.value))
        return _some(found, node)

    def schema(self) -> Mapping[str, Any]:
        return {
            "anyOf": [
                {"type": "array", "items": self.name.schema(), "minItems": 1},
                {"type": "object", "additionalProperties": _SHARE.schema(), "minProperties": 1},
            ]
        }


def _some(found: list[tuple[str, int | None]], node: yaml.Node) -> list[tuple[str, int | None]]:
    if not node.value:
        raise Wrong(f"is an empty {'list' if isinstance(node, yaml.SequenceNode) else 'mapping'}")
    return found


def _make_share(text: str) -> int:
    if not _share.fullmatch(text):
        raise ValueError
    return int(text)


_SHARE = Single("a share: a whole number from 1 to 999", _make_share, {"type": "integer", "minimum": 1, "maximum": 999})


PART_RULE = "letters, digits and + ; . $ _ ( ) -, not starting with -"


def part(what: str) -> Single:
    """A part of a tube's name."""

    def make(text: str) -> str:
        try:
            return check_part(what, text)
        except InvalidOption:
            raise Wrong(f"{shown(text)} cannot be part of a tube's name", PART_RULE) from None

    return Single(f"{what}: {PART_RULE}", make, {"type": ["string", "number"]})


def _lane(name: str) -> str:
    if not lane_watchable(name):
        raise Wrong(f"{shown(name)} is no name of a lane", f"{PART_RULE}; with * for any text")
    return name


LANE = Single("the name of a lane, or a pattern with *", _lane, {"type": ["string", "number"]})


def _tube(name: str) -> str:
    if not watchable(name):
        raise Wrong(f"{shown(name)} is no name of a tube", f"{RULE}; with * for any text, but not at the beginning")
    return name


TUBE = Single("the name of a tube, or a pattern with *", _tube, {"type": "string"})
