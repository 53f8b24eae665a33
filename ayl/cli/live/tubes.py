"""Tubes as a table with their changes: what `watch` and `top` have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ayl.admin.findings import many
from ayl.admin.onlooker import Look, SeenTube  # noqa: TC001 - a NamedTuple's fields
from ayl.cli.described import clock
from ayl.cli.live.drawing import Line, Span, Style, cells, fitted, grid, line
from ayl.cli.output import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ayl.admin import TubeStatistics


class Row(NamedTuple):
    """A tube of one of the servers."""

    server: str
    seen: SeenTube

    @property
    def tube(self) -> TubeStatistics:
        return self.seen.tube

    @property
    def jobs(self) -> int:
        """In whichever state."""
        jobs = self.tube.jobs
        return jobs.ready + jobs.reserved + jobs.delayed + jobs.buried


ORDERS: dict[str, Callable[[Row], float]] = {
    "jobs": lambda row: -row.jobs,
    "name": lambda _row: 0,
    "ready": lambda row: -row.tube.jobs.ready,
    "buried": lambda row: -row.tube.jobs.buried,
    "done": lambda row: -row.seen.change.done if row.seen.change else 0,
}
"""What tubes may be sorted by: the most first, and those with as much by name."""

WAITING = line("waiting for the first answer")
"""What is shown before the first look."""

TITLES = ("TUBE", "WATCH", "+/-", "BURIED", "READY", "+/-", "RESERVED", "DELAYED", "DONE/S")
PAUSED = "PAUSED"
"""The title of a column that is there while a tube is."""
SPARE = (2, 6, 8, 7, 5)
"""Of TITLES: what is left away first on a narrow terminal."""


def rows(look: Look, order: str) -> list[Row]:
    """Its tubes in that order."""
    key = ORDERS[order]
    return sorted((Row(look.server, seen) for seen in look.tubes), key=lambda row: (key(row), row.tube.name))


def summary(look: Look) -> Line:
    """A server in a line."""
    if look.trouble or look.statistics is None:
        return line(Span(f"{visible(look.trouble)}; trying again", Style.WRONG))
    found = look.statistics
    facts = f"  {visible(found.version)}  up {clock(found.uptime)}  {many(found.connections, 'connection')}"
    draining = [Span("  draining: takes no jobs", Style.NOTABLE)] if found.draining else []
    return line(Span(look.server, Style.TITLE), facts, *draining)


def left_out(above: Sequence[Row], below: Sequence[Row]) -> Line:
    """What there was no room for."""
    jobs = sum(row.jobs for row in (*above, *below))
    where = f" ({len(above):,} above)" if above else ""
    return line(f"… and {many(len(above) + len(below), 'more tube')}{where}, {many(jobs, 'job')}")


def drawn(
    entries: Sequence[Row | Line], all_rows: Sequence[Row], width: int | None, chosen: Row | None = None
) -> list[Line]:
    """A title, rows below each other, and lines between them as they are; some of `all_rows`, by which columns stay in
    their places whichever of them are in sight. `width`: None for as wide as it takes.
    """
    paused = any(row.tube.pause for row in all_rows)
    title, *table = grid(
        (*TITLES, PAUSED)[: None if paused else -1],
        [_spans(entry, paused) for entry in entries if isinstance(entry, Row)],
        width,
        first=max((cells(visible(row.tube.name)) for row in all_rows), default=0),
        spare=SPARE,
    )
    drawn_rows = iter(table)
    lines = [title]
    for entry in entries:
        if not isinstance(entry, Row):
            lines.append(entry if width is None else fitted(entry, width))
            continue
        spans = next(drawn_rows)
        lines.append(tuple(span._replace(chosen=True) for span in spans) if entry == chosen else spans)
    return lines


def _spans(row: Row, paused: bool) -> list[Span]:
    tube, change = row.tube, row.seen.change
    jobs, workers = tube.jobs, tube.workers.total
    spans = [
        Span(tube.name),
        Span(str(workers)),
        Span(_signed(change.workers) if change else ""),
        Span(str(jobs.buried), Style.WRONG if jobs.buried else Style.PLAIN),
        Span(str(jobs.ready), Style.NOTABLE if jobs.ready and not workers else Style.PLAIN),
        Span(_signed(change.ready) if change else ""),
        Span(str(jobs.reserved)),
        Span(str(jobs.delayed)),
        Span(_rate(change.done) if change else ""),
    ]
    if paused:
        spans.append(Span(clock(tube.pause_time_left) if tube.pause else "", Style.NOTABLE))
    return spans


def _signed(change: int) -> str:
    return f"{change:+}" if change else ""


def _rate(jobs: float) -> str:
    return f"{jobs:.1f}" if jobs else "0"
