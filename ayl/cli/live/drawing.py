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
    WRONG = enum.auto()
    NOTABLE = enum.auto()


class Span(NamedTuple):
    """A piece of a line."""

    text: str
    style: Style = Style.PLAIN
    chosen: bool = False
    """Part of the line that keys are about."""


Line: TypeAlias = tuple[Span, ...]

CUT = "…"
GAPS = ("  ", " ")
"""Between columns; the second where that leaves more of long names."""
NARROWEST = 10
"""Cells that the first column of a grid has at least, if its texts are as long."""
WIDEST = 60
"""Cells that it has at most where there is a width: numbers far away from a name are not seen to belong to it."""


class Appearance(NamedTuple):
    """How a text looks."""

    colour: str = ""
    bold: bool = False


APPEARANCES = {
    Style.PLAIN: Appearance(),
    Style.TITLE: Appearance(bold=True),
    Style.WRONG: Appearance("red", bold=True),
    Style.NOTABLE: Appearance("magenta"),
}
"""Red and magenta can be read on light and on dark ground, red only if it is bold; everything else has the terminal's
own colours, reversed where it is chosen.
"""


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
    """Its beginning, if it is wider than that, with a sign that something is missing; blanks at its end are not."""
    missing = 0 < width < cells(plain(spans).rstrip())
    kept, room = [], width - missing
    for span in spans:
        part = _first(span.text, room)
        room -= cells(part)
        if part != span.text:
            kept.append(span._replace(text=part + CUT * missing))
            break
        kept.append(span)
    return tuple(kept)


def grid(
    titles: Sequence[str],
    rows: Sequence[Sequence[Span]],
    width: int | None,
    *,
    first: int = 0,
    spare: Sequence[int] = (),
) -> list[Line]:
    """Columns below their titles, the first to the left and cut in its middle where the others need the room, those to
    the right. `width`: None for as wide as it takes. `first`: cells that the first would like, though these rows may do
    with fewer. `spare`: columns that are left away, one after the other, where there is no room for all.
    """
    shown = [[Span(visible(span.text), span.style) for span in row] for row in rows]
    everything = [[Span(title, Style.TITLE) for title in titles], *shown]
    widths = [max(cells(span.text) for span in column) for column in zip(*everything, strict=True)]
    widths[0] = max(widths[0], first)
    others = [*range(1, len(widths))]
    gap = GAPS[0]
    if width is not None:
        wanted = min(widths[0], WIDEST)
        least = min(wanted, NARROWEST)
        for number in spare:
            if least + _beside(widths, others, GAPS[1]) <= width:
                break
            others.remove(number)
        gap = gap if wanted + _beside(widths, others, gap) <= width else GAPS[1]
        widths[0] = max(least, min(wanted, width - _beside(widths, others, gap)))
    padded = (
        [_padded(row[number], widths[number], to_left=not number) for number in (0, *others)] for row in everything
    )
    return [_joined(row, gap, width) for row in padded]


def _beside(widths: Sequence[int], others: Sequence[int], gap: str) -> int:
    """The room that other columns take to the right of the first."""
    return sum(len(gap) + widths[number] for number in others)


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
    end = _first(text[::-1], room // 2)[::-1] if room > 2 else ""
    return _first(text, room - 1 - cells(end)) + CUT * (room > 0) + end


def _first(text: str, room: int) -> str:
    """As much of its beginning as there is room for."""
    if cells(text) <= room:
        return text
    taken, used = "", 0
    for character in text:
        used += cells(character)
        if used > room:
            break
        taken += character
    return taken


def _painted(span: Span) -> str:
    look = APPEARANCES[span.style]
    return click.style(span.text, fg=look.colour or None, bold=look.bold or None) if any(look) else span.text
