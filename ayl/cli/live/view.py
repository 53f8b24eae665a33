"""What `top` shows: a pure function from facts, what the operator chose, and a size, to lines."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from ayl.admin.findings import many
from ayl.admin.jobs import STATES
from ayl.cli.described import line as described
from ayl.cli.live.drawing import NARROWEST, Line, Span, Style, fitted, line, middle_cut
from ayl.cli.live.state import chosen, listed
from ayl.cli.live.tubes import WAITING, Row, drawn, left_out, summary
from ayl.cli.output import visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ayl.admin.onlooker import Look
    from ayl.cli.live.state import Facts, State

SMALLEST = (40, 10)
"""Columns and lines."""
TALL = 18
"""Lines from which on the next calls of a tube are shown."""
CALLS = 4
"""Lines for these."""

HELP = (
    ("up, down, j, k", "choose a tube; also page up, page down, home, end"),
    ("s", "sort by the next column: jobs, name, ready, buried, done"),
    ("/", "only tubes with this in their names (* is any text); Esc: all"),
    ("p", "pause the chosen tube for an hour, or let it go on"),
    ("K", "make its buried jobs ready; if there are none, its delayed ones"),
    ("?, h", "this page"),
    ("q, Ctrl-C", "quit"),
    ("", ""),
    ("WATCH", "connections that watch the tube: its workers"),
    ("+/-", "change since the look before"),
    ("DONE/S", "jobs deleted per second, as workers do when a call ends"),
    ("magenta", "ready jobs that nobody watches for; a pause"),
    ("red", "buried jobs; a server that is away"),
)

FOOT = "q quit  ? help  j/k tube  s sort ({})  / filter  p pause  K kick"


def view(facts: Facts, state: State, size: tuple[int, int]) -> list[Line]:
    """As many lines as there are, or fewer, none of them wider than there are columns."""
    width, height = size
    if width < SMALLEST[0] or height < SMALLEST[1]:
        small = (line(f"{width}x{height} is too small"), line(f"{SMALLEST[0]}x{SMALLEST[1]} will do"), line("q quits"))
        return [fitted(spans, width) for spans in small[:height]]
    if state.helping:
        keys = max(len(key) for key, _ in HELP)
        lines = [line(Span(f"{key:{keys}}  ", Style.TITLE), text) for key, text in HELP]
        return [fitted(spans, width) for spans in lines[:height]]
    head = _head(facts.looks)
    foot = [_status(state, width), line(FOOT.format(state.order))]
    row = chosen(shown := listed(facts.looks, state), state)
    panel = [line(), *_panel(facts, row, size)]
    room = height - len(head) - len(panel) - len(foot)
    body = _body(facts.looks, shown, row, (width, room), state)
    body += [line()] * (room - len(body))
    return [fitted(spans, width) for spans in [*head, *body, *panel, *foot]]


def _head(looks: Sequence[Look]) -> list[Line]:
    """The servers, and all their jobs and workers together."""
    if not looks:
        return [WAITING, line(), line()]
    when = f"{datetime.fromtimestamp(looks[0].at).astimezone():%H:%M:%S}  "
    if len(looks) == 1:
        first = line(when, *summary(looks[0]))
    else:
        away = [Span(f"  {visible(look.trouble)}", Style.WRONG) for look in looks if look.trouble]
        first = line(when, Span(many(len(looks), "server"), Style.TITLE), *away)
    return [first, line(_totals(looks)), line()]


def _totals(looks: Sequence[Look]) -> str:
    found = [look.statistics for look in looks if look.statistics is not None]
    jobs = (f"{sum(getattr(one.jobs, state) for one in found):,} {state}" for state in STATES)
    workers = (f"{sum(getattr(one.workers, which) for one in found):,} {which}" for which in ("busy", "available"))
    return f"{', '.join(jobs)}; workers: {', '.join(workers)}" if found else ""


def _body(
    looks: Sequence[Look], shown: Sequence[Row], row: Row | None, size: tuple[int, int], state: State
) -> list[Line]:
    """The tubes around the chosen one, below their titles."""
    width, height = size
    entries: list[Row | Line] = []
    for look in looks:
        entries += [summary(look)] * (len(looks) > 1)
        entries += [row for row in shown if row.server == look.server]
    if not shown and looks and not any(look.trouble for look in looks):
        matching = f"no tube matches {visible(state.pattern)}" if state.pattern else "no tubes"
        return [line(f"no tube has {visible(state.wanted)} in its name" if state.wanted else matching)]
    room = height - 1
    if len(entries) > room:
        room -= 1
        first = min(max(0, (entries.index(row) if row else 0) - room // 2), len(entries) - room)
        seen = entries[first : first + room]
        above, below = (
            [entry for entry in some if isinstance(entry, Row)] for some in (entries[:first], entries[first + room :])
        )
        entries = [*seen, left_out(above, below)]
    lines = drawn(entries, shown, width, row)
    return lines if shown else lines[1:]


def _panel(facts: Facts, row: Row | None, size: tuple[int, int]) -> list[Line]:
    """More about the chosen tube, always of the same height."""
    width, height = size
    calls = CALLS if height >= TALL else 0
    if row is None:
        return [line()] * (1 + calls)
    tube = row.tube
    busy, available = many(tube.workers.busy, "worker"), tube.workers.available
    clients = f"  {busy} busy  {available} available  {many(tube.using, 'producer')}"
    name = middle_cut(visible(tube.name), max(NARROWEST, width - len(clients)))
    lines = [line(Span(name, Style.TITLE), clients)]
    if facts.place == (row.server, tube.name):
        for job in facts.heads:
            lines.append(line(described(job)))
            if job.body is not None and job.body.why:
                lines.append(line(Span(f"  why: {visible(job.body.why)}", Style.WRONG)))
    lines = lines[: 1 + calls]
    return lines + [line()] * (1 + calls - len(lines))


def _status(state: State, width: int) -> Line:
    """What is cut of it is in its middle, the name of a tube."""
    if state.question is not None:
        return line(Span(middle_cut(visible(f"{state.question.text} y/n"), width), Style.NOTABLE))
    if state.typing:
        return line(f"filter: {state.wanted}_  (Enter keeps it, Esc shows all)")
    if state.notice:
        return line(Span(middle_cut(visible(state.notice), width), Style.TITLE))
    return line(f"filter: {state.wanted}  (Esc shows all)" if state.wanted else "")
