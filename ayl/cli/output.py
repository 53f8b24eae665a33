"""Results as text: aligned tables for people, JSON for scripts, and nothing that a terminal would obey."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, TypeAlias

import click

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


@dataclass(frozen=True, slots=True)
class Styled:
    """A value with an emphasis, which click leaves away where no terminal reads it."""

    value: float | str
    colour: str | None = None
    bold: bool | None = None


Value: TypeAlias = float | str | Styled


def visible(text: str) -> str:
    r"""The text, with every character spelled out (as in `\x1b`) that a terminal might obey or not show."""
    if text.isprintable():  # nearly always
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def table(titles: Sequence[str], rows: Iterable[Sequence[Value]]) -> str:
    """Columns below their titles: text to the left; numbers, and the titles of numbers, to the right."""
    body = [*rows]
    columns = [*zip(*body, strict=True)] or [()] * len(titles)  # a table without rows
    padded = [_column(title, cells) for title, cells in zip(titles, columns, strict=True)]
    return "\n".join("  ".join(row).rstrip() for row in zip(*padded, strict=True))


def _column(title: str, cells: Sequence[Value]) -> list[str]:
    numeric = bool(cells) and not any(isinstance(_plain(cell), str) for cell in cells)
    everything = [Styled(title, bold=True), *cells]
    texts = [visible(str(_plain(cell))) for cell in everything]
    width = max(map(len, texts))
    padded = [text.rjust(width) if numeric else text.ljust(width) for text in texts]
    return [_coloured(*both) for both in zip(everything, padded, texts, strict=True)]


def listing(pairs: Sequence[tuple[str, Value]]) -> str:
    """One name and its value per line, the values below each other."""
    width = max(len(visible(name)) for name, _ in pairs)
    return "\n".join(f"{visible(name):{width}}  {_shown(value)}" for name, value in pairs)


def as_json(result: object, indent: int | None = 2) -> str:
    """One document; a dataclass is an object of its fields. Of a list, each item has a line, for there may be many and
    that is the quick way. `indent`: None for all in one line.
    """
    if isinstance(result, list) and result and indent is not None:
        text = "[\n{}\n]".format(",\n".join(json.dumps(item, default=_fields) for item in result))
    else:
        text = json.dumps(result, indent=indent, default=_fields)
    # Everything beyond ASCII and every control character is escaped by json itself, but for this one.
    return text.replace("\x7f", "\\u007f")


def _fields(record: Any) -> dict[str, object]:
    return {field.name: getattr(record, field.name) for field in fields(record)}


def _plain(value: Value) -> float | str:
    return value.value if isinstance(value, Styled) else value


def _shown(value: Value) -> str:
    text = visible(str(_plain(value)))
    return _coloured(value, text, text)


def _coloured(value: Value, padded: str, text: str) -> str:
    """The text that stands in some room; its colour is not the room's."""
    if not text or not isinstance(value, Styled) or not (value.colour or value.bold):
        return padded
    return padded.replace(text, click.style(text, fg=value.colour, bold=value.bold), 1)
