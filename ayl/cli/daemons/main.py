"""The command: its families, its help, and its way out."""

from __future__ import annotations

import os
import sys

import click

from ayl import __version__
from ayl.cli.daemons.exits import MEANINGS, codes
from ayl.cli.daemons.files import NAME, OPTIONS
from ayl.cli.descriptors import open_closed
from ayl.cli.families import Commands, Imported

EPILOG = f"""
--config may stand before or after the command. `{NAME} COMMAND --help` tells about one command.

\b
Examples:
  {NAME} start                     everything in the file; or: start shop, start shop.mail
  {NAME} status                    what runs, since when, and what is wrong
  {NAME} reload shop               after a deploy
  {NAME} logs -f shop.mail         what it prints
  {NAME} check                     is the file all right? every mistake with its line
  {NAME} --config shop.yml check   ... another file
  {NAME} check --json | jq .problems
  {NAME} schema > daemons.schema.json
                                      for editors, which then complete and check as you type

{codes(MEANINGS)}

Those of status are others: see `{NAME} status --help`.

\b
Completion (NAMEs, too):
  eval "$(_AYL_DAEMONS_COMPLETE=bash_source {NAME})"      in ~/.bashrc
  eval "$(_AYL_DAEMONS_COMPLETE=zsh_source {NAME})"       in ~/.zshrc
  _AYL_DAEMONS_COMPLETE=fish_source {NAME} | source       in ~/.config/fish/completions/{NAME}.fish

\b
Environment:
  AYL_DAEMONS  the file of configuration, where --config names none
"""

FAMILIES = {
    "changing": ("Change", ("start", "stop", "restart", "reload")),
    "status": ("Look", ("status",)),
    "logs": ("Look", ("logs",)),
    "foreground": ("Foreground", ("run", "prepare")),
    "checking": ("Configuration", ("check", "schema")),
    "generating": ("Configuration", ("units",)),
}
"""A module beside this one, its title in the help, and the commands that it has under their names."""


@click.group(
    NAME,
    cls=Commands,
    commands=Imported("ayl.cli.daemons", FAMILIES),
    params=[*OPTIONS],
    epilog=EPILOG,
    subcommand_metavar="COMMAND [OPTIONS]",
    context_settings={"max_content_width": 100},
)
@click.version_option(__version__, prog_name=NAME)
@click.pass_context
def ayl_daemons(ctx: click.Context, /, **_options: object) -> None:
    """Look after the daemons of this machine, as one file says: workers of several applications, the server, others."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        ctx.color = False


def main() -> None:
    """The command."""
    open_closed()
    try:
        ayl_daemons(prog_name=NAME)
    except OSError as error:  # of what it writes to: what it reads from has errors of its own
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # for what is still in the buffer
        sys.exit(f"{NAME}: cannot write all of the answer: {error.strerror}")
