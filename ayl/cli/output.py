"""Results as text: aligned tables for people, JSON for scripts, and nothing that a terminal would obey."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, TypeAlias

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
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def table(titles: Sequence[str], rows: Iterable[Sequence[Value]]) -> str:
    """Columns below their titles: text to the left; numbers, and the titles of numbers, to the right."""
    body = [[_styled(value) for value in row] for row in rows]
    numeric = [all(not isinstance(cell.value, str) for cell in column) for column in zip(*body, strict=True)]
    numeric = numeric or [False] * len(titles)  # a table without rows
    everything = [[Styled(title, bold=True) for title in titles], *body]
    widths = [max(len(_text(cell)) for cell in column) for column in zip(*everything, strict=True)]
    return "\n".join(
        "  ".join(_padded(*cell) for cell in zip(row, widths, numeric, strict=True)).rstrip() for row in everything
    )


def listing(pairs: Sequence[tuple[str, Value]]) -> str:
    """One name and its value per line, the values below each other."""
    width = max(len(visible(name)) for name, _ in pairs)
    return "\n".join(f"{visible(name):{width}}  {_padded(_styled(value))}" for name, value in pairs)


def as_json(result: object, indent: int | None = 2) -> str:
    """One document; a dataclass is an object of its fields. `indent`: None for all in one line."""
    # Everything beyond ASCII and every control character is escaped by json itself, but for this one.
    return json.dumps(result, indent=indent, default=asdict).replace("\x7f", "\\u007f")


def _styled(value: Value) -> Styled:
    return value if isinstance(value, Styled) else Styled(value)


def _text(cell: Styled) -> str:
    return visible(str(cell.value))


def _padded(cell: Styled, width: int = 0, to_the_right: bool = False) -> str:
    text = _text(cell)
    padding = " " * (width - len(text))
    if cell.colour or cell.bold:
        text = click.style(text, fg=cell.colour, bold=cell.bold)
    return padding + text if to_the_right else text + padding
