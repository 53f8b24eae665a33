"""A command of many commands: each stands in a module of its family, imported when the command is asked for."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, MutableMapping
from importlib import import_module
from typing import Any, NoReturn, TypeAlias, cast

import click

from ayl.cli import ExitCode
from ayl.cli.output import visible

Families: TypeAlias = Mapping[str, tuple[str, tuple[str, ...]]]
"""A module, its title in the help, and the commands that it has under their names."""


class Imported(MutableMapping[str, click.Command]):
    """Imports the family of a command when that is asked for: most are never."""

    def __init__(self, room: str, families: Families) -> None:
        """`room`: the package of the modules."""
        self.families = families
        self._room = room
        self._homes = {name: family for family, (_, names) in families.items() for name in names}

    def __getitem__(self, name: str) -> click.Command:
        found: click.Command = getattr(import_module(f"{self._room}.{self._homes[name]}"), name)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._homes)

    def __len__(self) -> int:
        return len(self._homes)

    def __setitem__(self, name: str, command: click.Command) -> NoReturn:
        raise TypeError("the commands stand in FAMILIES")

    def __delitem__(self, name: str) -> NoReturn:
        raise TypeError("the commands stand in FAMILIES")


class Commands(click.Group):
    """The group; its `commands` are `Imported`."""

    def main(self, *args: Any, **extra: Any) -> Any:
        """A shell that asks what there is to choose gets it in our own form."""
        if f"_{str(self.name).upper()}_COMPLETE" in os.environ:
            from click.shell_completion import add_completion_class

            from ayl.cli.shells import SHELLS

            for shell in SHELLS:
                add_completion_class(shell)
        return super().main(*args, **extra)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """By families rather than by the alphabet."""
        families = cast(Imported, self.commands).families
        width = max(map(len, self.commands))
        sections: dict[str, list[str]] = {}
        for title, names in families.values():
            sections.setdefault(title, []).extend(names)
        for title, of_title in sections.items():
            room = formatter.width - 6 - width
            rows = [(f"{name:{width}}", self.commands[name].get_short_help_str(room)) for name in of_title]
            with formatter.section(title):
                formatter.write_dl(rows)

    def invoke(self, ctx: click.Context) -> object:
        """click repeats a surplus argument as it came, and calls an interruption an ordinary failure."""
        try:
            return super().invoke(ctx)
        except (KeyboardInterrupt, click.Abort):
            click.echo("interrupted", err=True)
            raise click.exceptions.Exit(ExitCode.INTERRUPTED) from None
        except click.UsageError as error:
            raise click.UsageError(visible(error.format_message()), error.ctx) from error
