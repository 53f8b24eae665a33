"""`check` and `schema`: is the file all right, and what may stand in it."""

from __future__ import annotations

import click

from ayl.cli.daemons.files import OPTIONS, configuration


@click.command(params=[*OPTIONS])
def check(config: str | None) -> None:
    """Read the file and tell everything that is wrong with it."""
    found = configuration(config)
    click.echo(f"{len(found.daemons)} daemons: all is well")


@click.command()
def schema() -> None:
    """Print the JSON schema of the file."""
