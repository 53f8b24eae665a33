"""Lines of styled text that fit a width: what is drawn, and nothing of how."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, NamedTuple, TypeAlias
from unicodedata import combining, east_asian_width

import click

from ayl.cli.output import visible

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class Style(enum.Enum):
    """What a text is, rather than how it looks."""

    PLAIN = enum.auto()
    TITLE = enum.auto()
    CHOSEN = enum.auto()
    WRONG = enum.auto()
    NOTABLE = enum.auto()


class Span(NamedTuple):
    """A piece of a line."""

    text: str
    style: Style = Style.PLAIN


Line: TypeAlias = tuple[Span, ...]

CUT = "…"
GAPS = ("  ", " ")
"""Between columns; the second where that leaves more of long names."""
NARROWEST = 10
"""Cells that the first column of a grid has at least, if its texts are as long."""


class Appearance(NamedTuple):
    """How a text looks."""

    colour: str = ""
    bold: bool = False
    reverse: bool = False


APPEARANCES = {
    Style.PLAIN: Appearance(),
    Style.TITLE: Appearance(bold=True),
    Style.CHOSEN: Appearance(reverse=True),
    Style.WRONG: Appearance("red"),
    Style.NOTABLE: Appearance("magenta"),
}
"""Red and magenta can be read on light and on dark ground; everything else has the terminal's own colours."""


def line(*parts: str | Span) -> Line:
    """From pieces of which those without a style are plain."""
    return tuple(part if isinstance(part, Span) else Span(part) for part in parts)


def plain(spans: Line) -> str:
    """Its text."""
    return "".join(span.text for span in spans)


def printed(lines: Iterable[Line], *, styled: bool) -> str:
    """As text, with a terminal's escapes if it is to be `styled`."""
    if not styled:
        return "\n".join(plain(spans).rstrip() for spans in lines)
    return "\n".join("".join(_painted(span) for span in spans) for spans in lines)


def cells(text: str) -> int:
    """The room that it takes on a terminal."""
    if text.isascii():
        return len(text)
    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in text)


def fitted(spans: Line, width: int) -> Line:
    """Its beginning, if it is wider than that."""
    kept, room = [], width
    for span in spans:
        if cells(span.text) > room:
            kept.append(Span(_beginning(span.text, room), span.style))
            break
        kept.append(span)
        room -= cells(span.text)
    return tuple(kept)


def grid(titles: Sequence[str], rows: Sequence[Sequence[Span]], width: int | None) -> list[Line]:
    """Columns below their titles, the first to the left and cut in its middle where the others need the room, those to
    the right. `width`: None for as wide as it takes.
    """
    shown = [[Span(visible(span.text), span.style) for span in row] for row in rows]
    everything = [[Span(title, Style.TITLE) for title in titles], *shown]
    widths = [max(cells(span.text) for span in column) for column in zip(*everything, strict=True)]
    gap = GAPS[0]
    if width is not None:
        gap = gap if sum(widths) + len(gap) * (len(widths) - 1) <= width else GAPS[1]
        rest = sum(widths[1:]) + len(gap) * (len(widths) - 1)
        widths[0] = min(widths[0], max(NARROWEST, width - rest))
    padded = (
        [_padded(span, room, to_left=not number) for number, (span, room) in enumerate(zip(row, widths, strict=True))]
        for row in everything
    )
    return [_joined(row, gap, width) for row in padded]


def _joined(row: Sequence[Line], gap: str, width: int | None) -> Line:
    spans: list[Span] = []
    for cell in row:
        spans += [Span(gap)] * bool(spans) + [*cell]
    return tuple(spans) if width is None else fitted(tuple(spans), width)


def _padded(span: Span, room: int, *, to_left: bool) -> Line:
    text = middle_cut(span.text, room)
    padding = Span(" " * (room - cells(text)))
    return (Span(text, span.style), padding) if to_left else (padding, Span(text, span.style))


def middle_cut(text: str, room: int) -> str:
    """Its beginning and its end, if there is no room for all: a tube's app and its lane."""
    if cells(text) <= room:
        return text
    end = _beginning(text[::-1], room // 2 + 1)[:-1][::-1] if room > 2 else ""
    return _beginning(text, room - cells(end)) + end


def _beginning(text: str, room: int) -> str:
    """As much of a text that is too long as there is room for, with a sign that something is missing."""
    if room < 1:
        return ""
    taken, used = "", 0
    for character in text:
        used += cells(character)
        if used > room - 1:
            break
        taken += character
    return taken + CUT


def _painted(span: Span) -> str:
    look = APPEARANCES[span.style]
    if not any(look):
        return span.text
    return click.style(span.text, fg=look.colour or None, bold=look.bold or None, reverse=look.reverse or None)
