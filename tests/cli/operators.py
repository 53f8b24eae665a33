"""Who types commands about one tube of a server."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click
from click.testing import CliRunner, Result

from ayl.cli import ExitCode
from ayl.cli.beanstalk import ayl_beanstalk

if TYPE_CHECKING:
    from ayl.admin import Server


def commands() -> dict[str, click.Command]:
    """All of them, those of groups with the group's name before."""
    found: dict[str, click.Command] = {}
    for name, command in ayl_beanstalk.commands.items():
        if isinstance(command, click.Group):
            found |= {f"{name} {word}": part for word, part in command.commands.items()}
        else:
            found[name] = command
    return found


class Operator:
    """Runs commands in this process, without a terminal."""

    def __init__(self, server: Server, tube: str) -> None:
        self.server = server
        self.tube = tube

    def types(self, *words: object, tube: str | None = None, stdin: bytes = b"") -> Result:
        """A command about the tube, or another."""
        options = ["-h", str(self.server), "-t", self.tube if tube is None else tube]
        return CliRunner().invoke(ayl_beanstalk, [*options, *map(str, words)], input=stdin)

    def reads(self, *words: object, tube: str | None = None, stdin: bytes = b"") -> str:
        """What it says, all being well."""
        done = self.types(*words, tube=tube, stdin=stdin)
        assert (done.stderr, done.exit_code) == ("", ExitCode.OK)
        return done.stdout

    def gets(self, *words: object, tube: str | None = None) -> Any:
        """The same, as JSON."""
        return json.loads(self.reads(*words, "--json", tube=tube))

    def is_told(self, *words: object, tube: str | None = None, code: ExitCode = ExitCode.REFUSED) -> str:
        """What it complains of."""
        done = self.types(*words, tube=tube)
        assert done.exit_code == code, done.output
        return done.stderr
