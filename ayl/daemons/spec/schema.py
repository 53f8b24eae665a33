"""The JSON schema of `daemons.yml`, for editors: made of the table of keys.

`python -m ayl.daemons.spec.schema` writes `schema.json` beside this file; a test holds that against the table.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ayl.daemons.spec.inheritance import EXCLUSIVE
from ayl.daemons.spec.keys import FILE, SECTIONS

if TYPE_CHECKING:
    from ayl.daemons.spec.keys import Key
    from ayl.daemons.spec.sections import Mapped

SHIPPED = Path(__file__).with_name("schema.json")


def schema() -> dict[str, Any]:
    """The whole."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "daemons.yml of ayl",
        "$ref": f"#/$defs/{FILE.name}",
        "$defs": {section.name: _section(section) for section in SECTIONS},
    }


def text() -> str:
    """The same, as the file has it."""
    return json.dumps(schema(), indent=1, ensure_ascii=False) + "\n"


def _section(section: Mapped) -> dict[str, Any]:
    keys = section.keys()
    required = [name for name, key in keys.items() if key.is_required]
    of_two = [
        {"not": {"type": "object", "required": [*pair]}} for pair in EXCLUSIVE if all(name in keys for name in pair)
    ]
    return {
        "title": section.title,
        "type": ["object", "null"] if section.may_be_empty and not required else "object",
        "properties": {name: _key(key) for name, key in keys.items()},
        "additionalProperties": False,
        **({"required": required} if required else {}),
        **({"allOf": of_two} if of_two else {}),
    }


def _key(key: Key) -> dict[str, Any]:
    default = f" Default: {key.default}." if key.default else ""
    return {"description": key.meaning + default, **key.kind.schema()}


if __name__ == "__main__":
    SHIPPED.write_text(text())
