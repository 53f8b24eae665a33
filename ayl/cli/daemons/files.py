"""Which file the commands are about, read; and its problems as lines."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import IO, TYPE_CHECKING, Any

import click

from ayl.cli.daemons.exits import Exit
from ayl.cli.inheritance import option
from ayl.cli.output import visible
from ayl.daemons.spec.places import DEFAULT_PATH, VARIABLE, configured_path

if TYPE_CHECKING:
    from collections.abc import Collection

    from ayl.daemons.spec.model import Configuration
    from ayl.daemons.spec.problems import BadConfiguration

NAME = "ayl_daemons"

OPTIONS = (
    option(
        ["--config"],
        envvar=VARIABLE,
        metavar="PATH",
        show_default=DEFAULT_PATH,
        help="The file of configuration; fragments are looked for in conf.d beside it.",
    ),
)
"""What every command takes, and the command as a whole."""


class Misconfigured(click.ClickException):
    """All that is wrong with the file: one line each on stderr."""

    exit_code = Exit.NOT_CONFIGURED

    def __init__(self, error: BadConfiguration) -> None:
        super().__init__(str(error))
        self.problems = error.problems

    def show(self, file: IO[Any] | None = None) -> None:
        for problem in self.problems:
            click.echo(visible(str(problem)), file=file, err=True)


def configuration(config: str | None, only: Collection[str] | None = None) -> Configuration:
    """What the file of `--config` says; `Misconfigured` if that is wrong, which ends the command with 6. `only`: the
    names of daemons or applications, if the machine need not have what others need.
    """
    from ayl.daemons.spec.machine import ThisMachine  # with yaml: not for --help
    from ayl.daemons.spec.problems import BadConfiguration
    from ayl.daemons.spec.reading import read

    path = configured_path(config, os.environ)
    try:
        found = read(path, ThisMachine(), os.environ, only)
    except BadConfiguration as error:
        raise Misconfigured(error) from error
    return replace(found, daemons=tuple(replace(daemon, source=source(config)) for daemon in found.daemons))


def source(config: str | None) -> str:
    """The absolute path of the file that is meant, by which daemons are known as its own."""
    return os.path.abspath(configured_path(config, os.environ))  # noqa: PTH100 - paths are text in the model
