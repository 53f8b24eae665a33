"""`status`: how the daemons are."""

from __future__ import annotations

import enum
import time
from typing import TYPE_CHECKING

import click

from ayl.cli.daemons.chosen import NAMES, chosen
from ayl.cli.daemons.exits import MEANINGS, Exit, epilog
from ayl.cli.daemons.files import OPTIONS, Misconfigured, configuration, source
from ayl.cli.described import clock
from ayl.cli.output import Styled, Value, as_json, table
from ayl.daemons.conditions import Condition, Health, look
from ayl.daemons.control.strays import strays

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ayl.daemons.state import Process


class Seen(enum.IntEnum):
    """How the command ends, as init scripts have it (LSB)."""

    RUNS = 0
    DEAD = 1
    """One has died, or does not come up."""
    STOPPED = 3
    UNKNOWN = 4
    """The file is wrong, or somebody else's."""


COLOURS = {Health.TROUBLED: "red", Health.DEAD: "red", Health.UNKNOWN: "yellow"}


STATUS = epilog(
    "ayl_daemons status",
    "ayl_daemons status shop",
    "ayl_daemons status --json | jq -r '.[] | select(.health != \"well\").name'",
    meanings={
        Seen.RUNS: "all of them run, or have ended as they were told",
        Seen.DEAD: "one has died and its pid file is left, or its process does not come up",
        Exit.USAGE: MEANINGS[Exit.USAGE],
        Seen.STOPPED: "one does not run",
        Seen.UNKNOWN: "nobody can tell: the file is wrong, or a daemon is another user's",
    },
)


@click.command(
    params=[NAMES, click.Option(["--json", "wants_json"], is_flag=True, help="One JSON document."), *OPTIONS],
    epilog=STATUS,
)
@click.pass_context
def status(ctx: click.Context, names: tuple[str, ...], wants_json: bool, config: str | None) -> None:
    """Tell how the daemons are: what runs, since when, and what is wrong.

    A daemon that runs and is no longer in the file is told, too, where no names are given.
    """
    try:
        found = configuration(config, ())
    except Misconfigured as error:
        error.show()
        ctx.exit(Seen.UNKNOWN)
    daemons = chosen(found.daemons, names)
    if not names:
        daemons += strays(found.run, [daemon.name for daemon in found.daemons], source(config))
    conditions = [look(daemon.name, daemon.run) for daemon in daemons]
    click.echo(as_json([document(condition) for condition in conditions]) if wants_json else told(conditions))
    ctx.exit(seen(conditions))


def seen(conditions: Iterable[Condition]) -> Seen:
    """What init scripts are told of all of them."""
    found = {condition.health for condition in conditions}
    for healths, answer in (
        ({Health.UNKNOWN}, Seen.UNKNOWN),
        ({Health.DEAD, Health.TROUBLED}, Seen.DEAD),
        ({Health.STOPPED}, Seen.STOPPED),
    ):
        if found & healths:
            return answer
    return Seen.RUNS


def document(condition: Condition) -> dict[str, object]:
    """For programs."""
    return {
        "name": condition.name,
        "state": condition.word,
        "health": condition.health.value,
        "keeper": condition.keeper,
        "facts": condition.state,
    }


def told(conditions: Iterable[Condition]) -> str:
    """For people."""
    now = time.time()
    rows = [row for condition in conditions for row in _rows(condition, now)]
    return table(("DAEMON", "STATE", "PID", "SINCE", "WHAT"), rows) if rows else "no daemon is configured"


def _rows(condition: Condition, now: float) -> Iterator[tuple[Value, ...]]:
    state = condition.state
    word = Styled(condition.word, colour=COLOURS.get(condition.health))
    if state is None:
        yield condition.name, word, "" if condition.keeper is None else str(condition.keeper), "", ""
        return
    first = state.processes[0] if state.processes else None
    pid = str(first.pid if first is not None else condition.keeper)
    yield condition.name, word, pid, _ago(state.since, now), _what(condition, first, now)
    for process in state.processes[1:]:
        yield f"  {process.version}".rstrip(), process.state, str(process.pid), _ago(process.began, now), process.status


def _what(condition: Condition, process: Process | None, now: float) -> str:
    state = condition.state
    if state is not None and state.state == "pausing":
        again = "" if state.next_start is None else f"; next start in {max(0.0, state.next_start - now):.0f} s"
        times = f", {state.failures} times in a row" if state.failures > 1 else ""
        return f"{state.last_end}{times}{again}"
    return "" if process is None else process.status


def _ago(moment: float, now: float) -> str:
    return clock(max(0, int(now - moment)))
