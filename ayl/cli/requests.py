"""What the commands about a server share: their options, made into one request, and failures as one line."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from ayl import admin
from ayl.cli import ExitCode
from ayl.cli.output import as_json, visible
from ayl.errors import AylError, Unreachable

if TYPE_CHECKING:
    from collections.abc import Callable

NAME = "ayl_beanstalk"

CURES: dict[type[AylError], str] = {
    admin.NoServer: "start one with `ayl_server`, or say where it is with -h and -p",
    admin.ServerTooSlow: "it is overloaded, stopped, or no beanstalkd: see --timeout, -h and -p",
    admin.ServerHungUp: "it is stopping, or no beanstalkd: try again, or see -h and -p",
    admin.NotBeanstalkd: "say where the server is with -h and -p",
    admin.NoSuchTube: f"`{NAME} list_tubes` shows all",
    admin.NobodyWatches: f"`{NAME} list_tubes` shows where workers are",
}
"""What the operator can do about an error, where its own sentence leaves that open."""


class Refused(click.ClickException):
    """An operation that failed: one line on stderr and an exit code."""

    exit_code = ExitCode.REFUSED

    def __init__(self, error: AylError) -> None:
        cure = CURES.get(type(error))
        super().__init__(f"{error}; {cure}" if cure else str(error))

    def show(self, file: IO[Any] | None = None) -> None:
        click.echo(visible(f"{NAME}: {self.message}"), file=file, err=True)


class Unavailable(Refused):
    """The same, for want of a server."""

    exit_code = ExitCode.UNAVAILABLE


@dataclass(frozen=True, slots=True)
class Request:
    """What the options say, on whichever side of the command they stood."""

    server: admin.Server
    named_tube: str
    """Empty if none was named."""
    as_json: bool

    @property
    def tube(self) -> str:
        return self.named_tube or "default"

    def answer(self, result: object, text: str) -> None:
        """To stdout: the result itself for a script, the text made of it for a person."""
        click.echo(as_json(result) if self.as_json else text)


def inherited(ctx: click.Context, option: click.Parameter, value: object) -> object:
    """What is not typed after the command is as it was before it."""
    name = option.name or ""
    if ctx.parent is None or ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE:
        return value
    return ctx.parent.params[name]


option = functools.partial(click.Option, show_default=True, show_envvar=True, callback=inherited)

OPTIONS = (
    option(
        ["-h", "--host"],
        envvar="AYL_BEANSTALK_HOST",
        metavar="HOST",
        default="127.0.0.1",
        help="Where the server is.",
    ),
    option(
        ["-p", "--port"],
        envvar="AYL_BEANSTALK_PORT",
        metavar="PORT",
        default=11300,
        type=click.IntRange(1, 65535),
        help="Its port.",
    ),
    option(
        ["-t", "--tube"],
        envvar="AYL_BEANSTALK_TUBE",
        metavar="TUBE",
        default="",
        show_default="default",
        help="The tube, for commands that are about one.",
    ),
    option(
        ["--timeout"],
        envvar="AYL_BEANSTALK_TIMEOUT",
        metavar="SECONDS",
        default=5.0,
        type=click.FloatRange(0, 3600, min_open=True),
        help="How long to wait for the connection and for each reply.",
    ),
    option(
        ["--json", "as_json"],
        envvar="AYL_BEANSTALK_JSON",
        is_flag=True,
        help="One JSON document, for scripts.",
    ),
)


def command(*more: click.Parameter) -> Callable[[Callable[..., None]], click.Command]:
    """A command that takes all options as one request, and `more` by their names, and fails as one line."""

    def decorate(function: Callable[..., None]) -> click.Command:
        @functools.wraps(function)
        def run(host: str, port: int, tube: str, timeout: float, as_json: bool, **others: object) -> None:
            try:
                server = admin.Server(host, port, timeout)
            except ValueError as error:
                raise click.UsageError(str(error)) from error
            try:
                function(Request(server, tube, as_json), **others)
            except (admin.ServerUnavailable, Unreachable) as error:
                raise Unavailable(error) from error
            except AylError as error:
                raise Refused(error) from error

        return click.command(function.__name__, params=[*more, *OPTIONS])(run)

    return decorate
