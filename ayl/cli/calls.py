"""`ayl_beanstalk put_ayl_job`: a call, as an operator types it."""

from __future__ import annotations

from pathlib import Path
from typing import IO, TYPE_CHECKING, Any
from unicodedata import combining, east_asian_width

import click

from ayl.cli import ExitCode
from ayl.cli.output import visible
from ayl.cli.requests import NAME, Refused, Request, command
from ayl.options import RANGES

if TYPE_CHECKING:
    from ayl.readable import CannotRead

CALL = click.Argument(["call"])

APP_PATH = click.Option(
    ["-a", "--app-path"],
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    envvar="AYL_WORKER_APP_PATH",
    show_envvar=True,
    default=".",
    show_default="the current directory",
    help="Where the app's modules (and ayl.toml) are.",
)

REQUIRE = click.Option(
    ["-c", "--require"],
    multiple=True,
    metavar="MODULE",
    envvar="AYL_WORKER_REQUIRE",
    show_envvar=True,
    help="A module of the app to import, as for ayl_worker: the call is checked against it.",
)

LANE = click.Option(["--lane"], metavar="NAME", help="A lane of the app's tube: app/version/NAME.")

DRY_RUN = click.Option(["-n", "--dry-run"], is_flag=True, help="Show the message, and put nothing.")


def number(name: str, help: str) -> click.Option:  # noqa: A002 - click's name for it
    """An option of a send; without it, what the app's settings say."""
    low, high = RANGES[name]
    return click.Option(
        [f"--{name.replace('_', '-')}"],
        type=click.IntRange(low, high),
        metavar="N",
        show_default="as for a send",
        help=help,
    )


PRIORITY = number("priority", "0 is the most urgent.")
DELAY = number("delay", "Seconds before a worker may have it.")
TIME_TO_RUN = number("time_to_run", "Seconds that a worker may hold it.")

BEFORE, BEHIND = 50, 25
"""Characters of a line that are shown around a place."""


class Misread(Refused):
    """The text of a call is wrong: three lines, the last with a caret below the place."""

    exit_code = ExitCode.USAGE

    def __init__(self, error: CannotRead) -> None:
        super().__init__(error)
        self.lines = pointed(error.line, error.column)

    def show(self, file: IO[Any] | None = None) -> None:
        super().show(file)
        for line in self.lines:
            click.echo(f"  {line}", file=file, err=True)


def pointed(line: str, column: int) -> tuple[str, str]:
    """The line around this column (from 1), and a caret below it."""
    before, behind = line[: column - 1], line[column - 1 :]
    shown = visible(before[-BEFORE:])
    if len(before) > BEFORE:
        shown = "…" + shown
    rest = visible(behind[:BEHIND]) + ("…" if len(behind) > BEHIND else "")
    return shown + rest, " " * sum(map(_width, shown)) + "^"


def _width(character: str) -> int:
    """Columns of a terminal."""
    return 0 if combining(character) else 2 if east_asian_width(character) in "WF" else 1


@command(CALL, APP_PATH, REQUIRE, LANE, PRIORITY, DELAY, TIME_TO_RUN, DRY_RUN)
def put_ayl_job(
    request: Request, call: str, app_path: Path, require: tuple[str, ...], dry_run: bool, **given: int | str | None
) -> None:
    """Put a call, as the other commands write it.

    The tube is that of the app and version of ayl.toml, AYL_APP and AYL_VERSION, or given with -t. With --require, the
    call has to fit the app's code, as if the app had sent it, but no object is looked for. Where the app has secrets,
    the call is signed.

    \b
    Examples:
      ayl_beanstalk put_ayl_job "shop.Order.find(42).ship('ups', insured=True)"
      ayl_beanstalk put_ayl_job -c shop --dry-run "shop.restock('socks', 100)"
      ayl_beanstalk put_ayl_job -t shop/1.4.2/mail --delay 60 \\
          "shop.mail.remind(datetime.date(2026, 12, 24), [shop.Order.find(42)])"

    Text is in quotes; names of classes and NAME.find(KEY) stand for what they name; dates, decimals and others are
    written as Python shows them. With --require also what is declared with @ayl.value, by its name:
    shop.Money(amount=3), shop.Colour.RED. Nothing of it is evaluated.
    """
    if given["lane"] and request.named_tube:
        raise click.UsageError("--lane is one of the app's own tube; -t says the whole name")
    from ayl.admin import calls  # with all that writes messages, which the other commands need not wait for
    from ayl.loading import load
    from ayl.readable import CannotRead

    settings = load(str(app_path.resolve()), require)
    options = settings.defaults.with_({name: value for name, value in given.items() if value is not None})
    try:
        composed = calls.compose(call, settings, options, request.named_tube, check=bool(require))
    except CannotRead as error:
        raise Misread(error) from error
    if not composed.checked:
        _tell("this call was not checked: --require MODULE names the app that it has to fit")
    if dry_run:
        request.answer(composed, visible(composed.body))
        return
    done = calls.put_call(request.server, composed)
    if not done.watching:
        _tell(f"no worker watches {composed.tube}: the call waits for one")
    how = "signed" if composed.signed else "not signed: a worker with secrets will bury it"
    request.answer(
        done, f"put job {done.job} into {composed.tube}: {visible(composed.call)} (message {composed.message}, {how})"
    )


def _tell(text: str) -> None:
    click.echo(f"{NAME}: {visible(text)}", err=True)
