"""What goes on in a server, again and again: `watch`, and `top` with a screen of its own."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

import click

from ayl.cli import ExitCode
from ayl.cli.live.drawing import printed
from ayl.cli.output import as_json, visible
from ayl.cli.requests import NAME, Request, command

if TYPE_CHECKING:
    from collections.abc import Callable

    from ayl.admin.onlooker import Look
    from ayl.cli.live.drawing import Line
    from ayl.cli.live.rounds import Shown

SORTS = ("jobs", "name", "ready", "buried", "done")
SORT = click.Option(
    ["-s", "--sort"],
    envvar="AYL_BEANSTALK_SORT",
    show_envvar=True,
    default="jobs",
    show_default=True,
    type=click.Choice(SORTS),
    help="Which tubes come first: those with the most jobs, by name, ...",
)
COUNT = click.Option(
    ["-n", "--count"],
    envvar="AYL_BEANSTALK_COUNT",
    show_envvar=True,
    metavar="N",
    type=click.IntRange(1),
    help="End after so many looks.",
)


SECONDS = click.Argument(["seconds"], default=2.0, type=click.FloatRange(0.1, 86400), metavar="[SECONDS]")


@command(SECONDS, COUNT, SORT)
def watch(request: Request, seconds: float, count: int | None, sort: str) -> None:
    """A live table of the tubes, with what has changed.

    It looks every 2 SECONDS. On a terminal the table is drawn in one place until Ctrl-C or q; tubes that do not fit
    are counted below. Elsewhere, and with --json, each look is written below the one before, with its time.

    WATCH is the number of connections that watch the tube, BURIED, READY and the others those of jobs; +/- is the
    change since the look before, DONE/S the number of jobs that were deleted per second, as workers do when a call has
    ended. A server that goes away is said to be away until it is there again.

    \b
    Examples:
      ayl_beanstalk watch                     all tubes
      ayl_beanstalk watch 10 -t 'shop/*' -s name
      ayl_beanstalk watch -h one,two:11301    two servers
      ayl_beanstalk watch 60 >> tubes.log
      ayl_beanstalk watch 1 -n 2 --json | tail -1 | jq '.[].tubes'

    \b
    Exit codes:
        0  also after Ctrl-C: it ends no other way
       69  a server was away at the last of N looks
    """
    from ayl.cli.live.rounds import looking, rounds, sleep
    from ayl.cli.live.watching import picture

    def drawn(looks: list[Look], width: int | None, height: int | None = None) -> list[Line]:
        return picture(looks, sort, request.named_tube, width, height)

    def write(looks: list[Look]) -> None:
        click.echo(as_json(looks, None) if request.as_json else f"{printed(drawn(looks, _columns()), styled=False)}\n")

    look = looking(request.servers, request.named_tube)
    try:
        if request.as_json or why_no_screen():
            last = rounds(seconds, count, look, write, sleep)
        else:
            last = _watched(lambda shown: rounds(seconds, count, look, shown.tell, shown.wait), drawn)
    except KeyboardInterrupt:
        return
    if any(look.trouble for look in last):
        click.get_current_context().exit(ExitCode.UNAVAILABLE)


@command(SECONDS, SORT)
def top(request: Request, seconds: float, sort: str) -> None:
    """A live screen: the tubes, their next calls, and keys.

    It looks every 2 SECONDS. The arrows, or j and k, choose a tube, whose next calls are shown below; s sorts,
    / filters, p pauses a tube or lets it go on, K kicks its buried jobs; ? explains all that is there, q quits. What
    changes something asks first. -t shows only tubes that a pattern matches.

    It needs a terminal of 40 columns and 10 lines or more; elsewhere there is watch.

    \b
    Examples:
      ayl_beanstalk top
      ayl_beanstalk top 5 -t 'shop/*' -s buried
    """
    reason = why_no_screen() or ("" if sys.stdin.isatty() else "nobody can type here: stdin is no terminal")
    if request.as_json or reason:
        raise click.UsageError(f"{reason or 'top has no --json'}; `{NAME} watch` needs no terminal, and has --json")
    from ayl.cli.live.loop import run
    from ayl.cli.live.screen import screen

    with suppress(KeyboardInterrupt), screen(coloured=_coloured()) as terminal:
        run(terminal, request.servers, request.named_tube, seconds, sort)


def _watched(follow: Callable[[Shown], list[Look]], drawn: Callable[[list[Look], int, int], list[Line]]) -> list[Look]:
    """On a screen; what was there last is left behind on the terminal."""
    from ayl.cli.live.rounds import Shown
    from ayl.cli.live.screen import screen

    last: list[Look] = []
    coloured = _coloured()
    with screen(coloured=coloured) as terminal:
        shown = Shown(terminal, drawn)
        with suppress(KeyboardInterrupt):
            last = follow(shown)
        lines = shown.lines
    click.echo(printed(lines, styled=coloured))
    return last


def why_no_screen() -> str:
    """What keeps a terminal on stdout from being one that can be drawn on; empty if nothing does."""
    if not sys.stdout.isatty():
        return "there is no terminal here"
    try:
        from ayl.cli.live.screen import usable
    except ImportError:
        return "this Python was built without curses"
    return "" if usable() else f"TERM={visible(os.environ.get('TERM', ''))} is no terminal that can be drawn on"


def _columns() -> int | None:
    """Of a terminal, though it may be none that can be drawn on."""
    return os.get_terminal_size(sys.stdout.fileno()).columns or None if sys.stdout.isatty() else None


def _coloured() -> bool:
    return click.get_current_context().color is not False
