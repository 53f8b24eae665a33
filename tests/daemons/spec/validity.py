"""As much of JSON Schema as ours needs; a keyword that is not understood is an error of the test."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "null": (type(None),),
}
TOLD = {"$schema", "$defs", "title", "description"}
"""Keywords that forbid nothing."""


def is_valid(value: Any, schema: dict[str, Any], root: dict[str, Any]) -> bool:
    """Whether the schema, a part of `root`, allows the value."""
    return all(_holds(keyword, rule, value, schema, root) for keyword, rule in schema.items() if keyword not in TOLD)


def _holds(keyword: str, rule: Any, value: Any, schema: dict[str, Any], root: dict[str, Any]) -> bool:
    def each(values: Any, of: dict[str, Any]) -> bool:
        return all(is_valid(one, of, root) for one in values)

    fields = value if isinstance(value, dict) else {}
    items = value if isinstance(value, list) else []
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    checks: dict[str, Callable[[], object]] = {
        "$ref": lambda: is_valid(value, root["$defs"][rule.rpartition("/")[2]], root),
        "type": lambda: any(_is(value, name) for name in ([rule] if isinstance(rule, str) else rule)),
        "properties": lambda: all(is_valid(fields[name], of, root) for name, of in rule.items() if name in fields),
        "additionalProperties": lambda: _further(rule, fields, schema, root),
        "propertyNames": lambda: each(fields, rule),
        "required": lambda: not isinstance(value, dict) or all(name in fields for name in rule),
        "items": lambda: each(items, rule),
        "minItems": lambda: not isinstance(value, list) or len(items) >= rule,
        "minProperties": lambda: not isinstance(value, dict) or len(fields) >= rule,
        "maxProperties": lambda: len(fields) <= rule,
        "anyOf": lambda: any(is_valid(value, of, root) for of in rule),
        "allOf": lambda: all(is_valid(value, of, root) for of in rule),
        "not": lambda: not is_valid(value, rule, root),
        "enum": lambda: value in rule,
        "const": lambda: value == rule,
        "pattern": lambda: not isinstance(value, str) or re.search(rule, value) is not None,
        "minimum": lambda: not is_number or value >= rule,
        "maximum": lambda: not is_number or value <= rule,
        "exclusiveMinimum": lambda: not is_number or value > rule,
    }
    return bool(checks[keyword]())


def _is(value: object, name: str) -> bool:
    return isinstance(value, TYPES[name]) and (name == "boolean" or not isinstance(value, bool))


def _further(rule: Any, fields: dict[str, Any], schema: dict[str, Any], root: dict[str, Any]) -> bool:
    further = [value for name, value in fields.items() if name not in schema.get("properties", {})]
    return not further if rule is False else all(is_valid(value, rule, root) for value in further)
