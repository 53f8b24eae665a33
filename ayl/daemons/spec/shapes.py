"""The kinds of values that have parts: lists, and the variables of an environment."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from ayl.daemons.spec.kinds import VALUE, Single, called
from ayl.daemons.spec.problems import Wrong, shown
from ayl.daemons.spec.reader import Found, joined

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ayl.daemons.spec.reader import Reader


@dataclass(frozen=True, slots=True)
class Items:
    """A list of values of one kind, each once."""

    item: Single
    what: str
    """What they are, in the plural."""

    @property
    def expected(self) -> str:
        return f"a list of {self.what}"

    def read(self, node: yaml.Node, key: str, reader: Reader) -> list[Found]:
        if not isinstance(node, yaml.SequenceNode):
            raise Wrong(called(node))
        found = [reader.value(self.item, part, f"{key}[{at}]") for at, part in enumerate(node.value)]
        return _once([item for item in found if item is not None], reader)

    def schema(self) -> Mapping[str, Any]:
        return {"type": "array", "items": self.item.schema()}


def _once(items: list[Found], reader: Reader) -> list[Found]:
    first: dict[object, Found] = {}
    for item in items:
        earlier = first.setdefault(item.value, item)
        if earlier is not item:
            reader.trouble.add(item, f"{shown(str(item.value))} stands here twice; expected once: see {earlier.place}")
    return [*first.values()]


SECRET = re.compile(r"SECRET|PASSWORD|PASSWD|TOKEN|PRIVATE|CREDENTIAL|_KEY$|_DSN$")
"""What variables are called whose values should not be known."""

_VARIABLE_NAME = re.compile("[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Variables:
    """`NAME: VALUE` for an environment."""

    expected: str = "a mapping of variables"

    def read(self, node: yaml.Node, key: str, reader: Reader) -> dict[str, Found]:
        found: dict[str, Found] = {}
        for name, name_node, value_node in reader.pairs(node, key):
            path = joined(key, name)
            if not _VARIABLE_NAME.fullmatch(name):
                expected = "letters, digits and _, the first no digit"
                reader.complain(name_node, path, f"{shown(name)} is no name of a variable; expected {expected}")
            elif (value := reader.value(VALUE, value_node, path)) is not None:
                found[name] = value
                if SECRET.search(name) and "$" not in value_node.value:
                    reader.trouble.secrets.append(value)
        return found

    def schema(self) -> Mapping[str, Any]:
        names = {"pattern": f"^{_VARIABLE_NAME.pattern}$"}
        return {"type": "object", "propertyNames": names, "additionalProperties": VALUE.schema()}
