"""Which daemons a command is about."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ayl.daemons.spec.model import Daemon

NAMES = click.Argument(["names"], metavar="[NAME]...", nargs=-1)
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
