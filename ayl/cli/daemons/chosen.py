"""Which daemons a command is about."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING

import click

from ayl.cli.daemons.files import Misconfigured, configuration

if TYPE_CHECKING:
    from collections.abc import Sequence

    from click.shell_completion import CompletionItem

    from ayl.daemons.spec.model import Daemon


def offered(ctx: click.Context, _param: click.Parameter, beginning: str) -> list[CompletionItem[str]]:
    """What the shell offers: applications and daemons of the file that begin so; nothing if the file is wrong."""
    from click.shell_completion import CompletionItem

    try:
        known = [daemon.name for daemon in configuration(ctx.params.get("config")).daemons]
    except Misconfigured:
        return []
    applications = [name.partition(".")[0] for name in known]
    given = ctx.params.get("names") or ()
    return [
        CompletionItem(name)
        for name in dict.fromkeys([*applications, *known])
        if name.startswith(beginning) and name not in given and _harmless(name)
    ]


_harmless = re.compile(r"[A-Za-z0-9+/._-]+").fullmatch
"""What else stands in a name may mean something to a shell."""

NAMES = click.Argument(["names"], metavar="[NAME]...", nargs=-1, shell_complete=offered)
"""`APP.GROUP`, `APP` for all of an application, `server`; none for all."""

JSON = click.Option(["--json", "wants_json"], is_flag=True, help="One JSON document, at the end, for scripts.")


def chosen(daemons: Sequence[Daemon], names: Sequence[str]) -> list[Daemon]:
    """Those that are meant, in the order of the file. click's BadParameter if there is no such daemon."""
    known = [daemon.name for daemon in daemons]
    for name in names:
        if not any(_is_meant(of, name) for of in known):
            applications = {of.partition(".")[0] for of in known}
            close = get_close_matches(name, [*known, *applications], n=1)
            near = f"; did you mean {close[0]}?" if close else ""
            there = ", ".join(known[:20]) + ", …" * (len(known) > 20) if known else "none at all"
            raise click.BadParameter(f"there is no daemon {name!r}{near} (there is: {there})", param_hint="NAME")
    return [daemon for daemon in daemons if not names or any(_is_meant(daemon.name, name) for name in names)]


def _is_meant(daemon: str, name: str) -> bool:
    return daemon == name or daemon.startswith(f"{name}.")
