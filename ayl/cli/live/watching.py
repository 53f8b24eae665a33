"""`ayl_beanstalk watch`: what it shows of one look, and the looks one after the other."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from ayl.cli.live.drawing import Line, Span, Style, fitted, line
from ayl.cli.live.tubes import Row, drawn, left_out, rows, summary

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ayl.admin.onlooker import Look


def picture(
    looks: Sequence[Look], order: str, pattern: str, width: int | None = None, height: int | None = None
) -> list[Line]:
    """All servers' tubes below a time; as many as there is room for, if a `height` is given."""
    moment = datetime.fromtimestamp(looks[0].at).astimezone()
    when = moment.isoformat(" ", "seconds") if height is None else f"{moment:%H:%M:%S}"
    several = len(looks) > 1
    if several:
        missing = sum(bool(look.trouble) for look in looks)
        away = [Span(f"  {missing} away", Style.WRONG)] * bool(missing)
        head = line(Span(when, Style.TITLE), f"  {len(looks)} servers", *away)
    else:
        head = line(f"{when}  ", *summary(looks[0]))
    sections = [rows(look, order) for look in looks]
    # The head, the titles, and each server's own line.
    room = None if height is None else shares([len(some) for some in sections], height - 2 - several * len(looks))
    entries: list[Row | Line] = []
    for number, (look, found) in enumerate(zip(looks, sections, strict=True)):
        if several:
            entries.append(summary(look))
        if not found and not look.trouble:
            entries.append(line(f"no tube matches {pattern}" if pattern else "no tubes"))
        entries += found if room is None else _cut(found, room[number])
    titled = drawn(entries, [row for found in sections for row in found], width)
    if not any(sections):
        titled = titled[1:]
    lines = [head if width is None else fitted(head, width), *titled]
    return lines[:height]


def shares(wanted: Sequence[int], room: int) -> list[int]:
    """How many lines each gets of those that there are: as many as it wants, as long as others do not get fewer."""
    given = [0] * len(wanted)
    order = sorted(range(len(wanted)), key=lambda number: wanted[number])
    for position, number in enumerate(order):
        given[number] = min(wanted[number], max(0, room) // (len(order) - position))
        room -= given[number]
    return given


def _cut(found: Sequence[Row], room: int) -> Sequence[Row | Line]:
    """Those that there is room for, and a line about the others."""
    if len(found) <= room:
        return found
    kept = max(0, room - 1)
    return [*found[:kept], left_out((), found[kept:])]
