"""`units`: what systemd is told of the daemons, for its generator."""

from __future__ import annotations

from pathlib import Path

import click

from ayl.cli.daemons.exits import MEANINGS, Exit, epilog
from ayl.cli.daemons.files import OPTIONS, configuration

UNITS = epilog(
    "ayl_daemons units /run/systemd/generator",
    "ayl_daemons units /tmp/units      to look at them",
    meanings={
        Exit.DONE: "done",
        Exit.FAILED: "they cannot be written",
        Exit.USAGE: MEANINGS[Exit.USAGE],
        Exit.NOT_CONFIGURED: MEANINGS[Exit.NOT_CONFIGURED],
    },
)


@click.command(params=[click.Argument(["directory"], metavar="DIR"), *OPTIONS], epilog=UNITS)
@click.pass_context
def units(ctx: click.Context, directory: str, config: str | None) -> None:
    """Write into a directory what the units of systemd need to know of the file: which daemons there are, their users,
    their times and what they may write.

    systemd has this done by its generator at boot and at each `systemctl daemon-reload`; the directory is the one that
    it gives to generators. Nobody else needs to.
    """
    from ayl.daemons.units import units as made  # not for the help of the other commands

    found = configuration(config, only=())
    try:
        for name, text in made(found).items():
            path = Path(directory, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    except (OSError, ValueError) as error:
        click.echo(f"the units cannot be written: {error}", err=True)
        ctx.exit(Exit.FAILED)
