"""What the commands about a server share: their options, made into one request, and failures as one line."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any, TypeVar

import click

from ayl import admin
from ayl.cli import ExitCode, completion
from ayl.cli.inheritance import option
from ayl.cli.meant import ENGINE, servers_meant
from ayl.cli.output import as_json, visible
from ayl.errors import AylError, NotConfigured, Unreachable

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

T = TypeVar("T")

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


def failure(error: AylError) -> Refused:
    """How the command line tells of this error, and the exit code for it."""
    return (Unavailable if isinstance(error, (admin.ServerUnavailable, Unreachable)) else Refused)(error)


@dataclass(frozen=True, slots=True)
class Request:
    """What the options say, on whichever side of the command they stood; and how it is answered.

    A command about one server, such as one that takes ids, uses `server` and `answer`, and is refused for several. One
    that makes sense for each says what to ask a server, and how that is told: `answer_each`. One that does so on tubes
    hands `tube` to an operation that takes a name or a pattern (see `admin.statistics.chosen`): `answer_tubes`.
    """

    servers: tuple[admin.Server, ...]
    """At least one."""
    named_tube: str
    """A name, or a pattern with `*`; empty if none was given."""
    as_json: bool
    _ends: list[ExitCode] = field(default_factory=lambda: [ExitCode.OK])

    @property
    def tube(self) -> str:
        return self.named_tube or "default"

    @property
    def server(self) -> admin.Server:
        """The only one; UsageError if there are several."""
        if len(self.servers) > 1:
            name = click.get_current_context().info_name
            places = " and ".join(map(str, self.servers))
            raise click.UsageError(f"{name} is about one server, and {places} were named: say which one, with -h")
        return self.servers[0]

    def answer(self, result: object, text: str) -> None:
        """To stdout: the result itself for a script, the text made of it for a person."""
        click.echo(as_json(result) if self.as_json else text)

    def answer_each(self, ask: Callable[[admin.Server], T], shown: Callable[[T], str]) -> None:
        """The same for what `ask` gives for each server, in the order in which they were named.

        With one server just as `answer`. Several are told apart: by a heading as soon as each has answered, or in JSON
        as a list of objects with `server` and `answer`.
        """
        if len(self.servers) == 1:
            result = ask(self.server)
            self.answer(result, shown(result))
            return
        told = []
        try:
            for server, result in self.each(ask):
                if self.as_json:
                    told.append({"server": str(server), "answer": result})
                else:
                    click.echo(f"{click.style(str(server), bold=True)}\n{shown(result)}\n")
        finally:  # what was done is told, whatever came then
            if self.as_json:
                click.echo(as_json(told))

    def answer_tubes(
        self,
        ask: Callable[[admin.Server], list[T]],
        shown: Callable[[T], str],
        between: str = "\n",
        *,
        several: bool = False,
    ) -> None:
        """`answer_each` where `ask` gives a result for each tube. For one that was named, that is the answer; for a
        pattern, the list. `several`: the list in any case.
        """
        several = several or "*" in self.tube

        def one_or_all(server: admin.Server) -> T | list[T]:
            found = ask(server)
            return found if several else found[0]

        def together(found: T | list[T]) -> str:
            return between.join(map(shown, found if isinstance(found, list) else [found]))

        self.answer_each(one_or_all, together)

    def each(self, ask: Callable[[admin.Server], T]) -> Iterator[tuple[admin.Server, T]]:
        """Each server with what `ask` gives for it.

        One that fails does not keep the others from answering: see `fail`. The error of one alone is raised as ever.
        """
        for server in self.servers:
            try:
                result = ask(server)
            except AylError as error:
                if len(self.servers) == 1:
                    raise
                self.fail(error)
            else:
                yield server, result
            if self.is_interrupted:
                break

    def fail(self, error: AylError) -> None:
        """Tell of it on stderr, in a line, and go on; the exit code will say it: the highest of all such."""
        told = failure(error)
        told.show()
        self._ends.append(told.exit_code)

    def refuse(self) -> None:
        """Something of what was asked could not be done, or is not as it should be: the exit code will say it, unless
        it says worse.
        """
        self._ends.append(ExitCode.REFUSED)

    def follow(
        self,
        steps: Generator[T, None, None],
        told: Callable[[T], str],
        failed: Callable[[T, AylError], T] | None = None,
    ) -> T:
        """The last result of an operation that may take long: see `progress.followed`.

        After Ctrl-C no other server is asked, and the exit code says it. After an error, too, if `failed` makes an
        answer of what was done until then; otherwise that is told on stderr, and the error is raised.
        """
        from ayl.cli.progress import followed  # most commands have no need of it

        result, interrupted, error = followed(steps, told)
        if interrupted:
            self._ends.append(ExitCode.INTERRUPTED)
        if error is None:
            return result
        if failed is None:
            if text := told(result):
                click.echo(visible(f"until then: {text}"), err=True)
            raise error
        self.fail(error)
        return failed(result, error)

    @property
    def is_interrupted(self) -> bool:
        return ExitCode.INTERRUPTED in self._ends

    @property
    def exit_code(self) -> ExitCode:
        return max(self._ends)


OPTIONS = (
    option(
        ["-h", "--host"],
        envvar="AYL_BEANSTALK_HOST",
        metavar="HOST",
        show_default=f"that of {ENGINE} if neither HOST nor PORT is given, else 127.0.0.1",
        help="Where the server is: HOST, HOST:PORT, the path of a Unix socket, several with commas between, or an "
        "engine's URL.",
    ),
    option(
        ["-p", "--port"],
        envvar="AYL_BEANSTALK_PORT",
        metavar="PORT",
        show_default="11300",
        type=click.IntRange(1, 65535),
        help="Its port, where HOST names none.",
    ),
    option(
        ["-t", "--tube"],
        envvar="AYL_BEANSTALK_TUBE",
        metavar="TUBE",
        default="",
        show_default="default",
        help="The tube, for commands that are about one; many take patterns: 'shop/*'.",
        shell_complete=completion.tubes,
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
        def run(host: str | None, port: int | None, tube: str, timeout: float, as_json: bool, **others: object) -> None:
            try:
                request = Request(servers_meant(host, port, timeout), tube, as_json)
            except (ValueError, NotConfigured) as error:
                raise click.UsageError(visible(str(error))) from error
            try:
                function(request, **others)
            except AylError as error:
                raise failure(error) from error
            if request.exit_code:
                raise click.exceptions.Exit(request.exit_code)

        return click.command(function.__name__, params=[*more, *OPTIONS])(run)

    return decorate
