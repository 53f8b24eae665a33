"""What destroys or moves jobs asks first."""

from __future__ import annotations

import sys

import click

from ayl.cli import ExitCode

YES = click.Option(["-y", "--yes"], is_flag=True, help="Do not ask; needed where no terminal is there to ask at.")


def ask(question: str, yes: bool) -> None:
    """Go on only if the operator agrees to what the question says: `delete 12 jobs of shop/1.4.2`."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise click.UsageError(f"{question}? Nobody can be asked here: add --yes")
    if not click.confirm(f"{question}?", err=True):
        click.echo("nothing was done", err=True)
        raise click.exceptions.Exit(ExitCode.REFUSED)
