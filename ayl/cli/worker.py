"""`ayl_worker`: run an app's calls."""

import os
import re
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NoReturn, TypeAlias

import click

from ayl.cli.status import status
from ayl.tubes import DEFAULT_LANE, RULE, is_default_too, lane_watchable, watchable
from ayl.worker import changes, exits, proctitle
from ayl.worker.charge import words
from ayl.worker.plan import Plan
from ayl.worker.wear import Limits

EPILOG = """
Examples:

\b
  ayl_worker --app-path /srv/shop --require shop.models
  ayl_worker --require shop.models --workers 4 --threads 8
  ayl_worker --require shop.models --coroutines 1000
  ayl_worker --require shop.models --processes 4
  ayl_worker --require shop.models --tube shop/1.4.1 --tube shop/1.4.2
  ayl_worker --require shop.models --lane '*'
  ayl_worker --require shop.models --lane mail=3 --lane pdf=1
  ayl_worker --require shop.models --lane urgent --lane default --strict
  ayl_worker --require shop.models --name mails --pid-path /run/shop
  ayl_worker --require shop.models --status /run/shop/worker.socket
  ayl_worker status /run/shop/worker.socket

The modules that --require names are imported; they declare what may be called (@ayl.model, @ayl.task) and
usually call ayl.configure(app=…, version=…). AYL_APP, AYL_VERSION, AYL_ENGINE and ayl.toml in the app's
path are read too.

\b
Signals to this command, which starts the workers:
  SIGTERM, SIGINT    stop: each worker finishes its calls, within --grace; the rest is cut off and given back.
                     A second one cuts off at once, a third kills.
  SIGTSTP, SIGUSR1   quiet: each worker finishes its calls and ends; this command stays.
  SIGCONT, SIGUSR2   take jobs again.
  SIGHUP             restart the workers one by one; the next is connected before the last is asked to end.

\b
Exit codes:
   0  stopped, retired or (--burst) nothing is ready any more; every call that had begun has ended
   2  wrong usage
  64  there is no application: no --require, or an --app-path that is not there
  70  workers died at their start again and again
  75  calls were cut off at the end of --grace; their jobs were given back
  78  the app cannot be loaded, its settings make no sense, or another worker holds the pid file
"""


Shared: TypeAlias = tuple[tuple[str, int | None], ...]
"""Names of tubes or lanes, and the share of each that has one."""


class NoApplication(click.UsageError):
    """There is nothing whose calls could be run."""

    exit_code = exits.NO_APP


def no_module(context: click.Context) -> NoApplication:
    """Of an app without a module to import."""
    return NoApplication("Missing option '-c' / '--require': a module of the application to import", context)


class AppPath(click.Path):
    """A directory that is there."""

    def fail(self, message: str, param: click.Parameter | None = None, ctx: click.Context | None = None) -> NoReturn:
        raise NoApplication(f"Invalid value for '-a' / '--app-path': {message}", ctx)


def _named_tube(name: str) -> None:
    if not watchable(name):
        raise click.BadParameter(
            f"no tube can be named {name!r}: a name is {RULE}; with * for any text, but not at the beginning"
        )


def _named_lane(name: str) -> None:
    if not lane_watchable(name):
        raise click.BadParameter(
            f"no lane can be named {name!r}: use letters, digits and + ; . $ _ ( ) -, not starting with -; "
            "with * for any text"
        )


def _shared(
    check: Callable[[str], None], _context: click.Context, _option: click.Parameter, texts: tuple[str, ...]
) -> Shared:
    """Names, and the share of each that is given one."""
    found: dict[str, int | None] = {}
    for text in texts:
        name, equals, share = text.partition("=")
        check(name)
        if equals and not SHARE(share):
            raise click.BadParameter(f"{share!r} is no share of {name}: give a whole number from 1 to 999")
        if name in found:
            raise click.BadParameter(f"{name} is given twice")
        found[name] = int(share) if equals else None
    return (*found.items(),)


def _watched(tubes: Shared, lanes: Shared, *, strict: bool) -> dict[str, Any]:
    """What the plan says of them."""
    if tubes and lanes:
        raise click.UsageError(
            "--lane is a lane of the app's own version, --tube says a whole name: give one kind alone"
        )
    given = tubes or lanes
    shares = [share for _, share in given]
    if strict and (len(given) < 2 or any(shares)):
        raise click.UsageError(
            "--strict needs several lanes or tubes, none of them with a share: --lane FIRST --lane SECOND"
        )
    wild = next((name for name, _ in lanes if is_default_too(name)), None)
    if wild and any(shares) and DEFAULT_LANE not in dict(lanes):
        raise click.UsageError(
            f"{wild!r} is the lane {DEFAULT_LANE}, too: give that a share of its own, as in --lane {DEFAULT_LANE}=1"
        )
    return {
        "tubes": tuple(name for name, _ in tubes),
        "lanes": tuple(name for name, _ in lanes),
        "shares": tuple(share or 1 for share in shares) if any(shares) else (),
    }


SHARE = re.compile("[1-9][0-9]{0,2}").fullmatch

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@+-]{0,63}").fullmatch
"""Of a worker, and of what its environment is called."""


def _name(_context: click.Context, _option: click.Parameter, name: str | None) -> str | None:
    if name is not None and not NAME(name):
        raise click.BadParameter(
            f"{name!r} is no name: give 1 to 64 of A-Z a-z 0-9 _ . @ + -, the first a letter or a digit"
        )
    return name


def _pid_file(given: str, name: str) -> str:
    """In that directory, or the path itself where it names the file; empty for none."""
    if not given:
        return ""
    path = Path(given)
    if path.is_dir():
        path /= f"{name}.pid"
    elif path.suffix != ".pid":
        raise click.BadParameter(
            f"{str(path)!r} is no directory, and no name of a file that ends in .pid", param_hint="'-p' / '--pid-path'"
        )
    return str(path.absolute())


def _no_rails(_context: click.Context, _option: click.Parameter, wanted: bool) -> None:
    if wanted:
        raise click.UsageError(
            "there is no Rails to load: name the modules that declare what may be called, as in --require shop.models "
            "(of a Django project: --require ayl.contrib.django.setup, or manage.py ayl_worker)"
        )


def _reload(_context: click.Context, _option: click.Parameter, wanted: bool) -> bool:
    if wanted and not changes.are_watchable():
        raise click.BadParameter('it needs the library watchfiles: pip install "ayl[reload]"')
    return wanted


def _size(_context: click.Context, _option: click.Parameter, text: str | None) -> int | None:
    if text is None:
        return None
    found = re.fullmatch(r"([1-9][0-9]*)([kmg]?)", text.lower())
    if found is None:
        raise click.BadParameter(f"{text!r} is no size: give bytes, or units of 1024 of them as in 500k, 300m or 2g")
    return int(found[1]) * int(1024 ** " kmg".index(found[2] or " "))


OF_THE_COMMAND = ("workers", "environment", "pid_path")
"""Options that no plan of a worker has."""


def planned(context: click.Context) -> Plan:
    """What the options of a command line mean for each worker. UsageError if they make no sense together."""
    options = {name: value for name, value in context.params.items() if name not in OF_THE_COMMAND}
    if not options["require"]:  # not by click, which would want it of the other commands, too
        raise no_module(context)
    others = options["processes"] or options["coroutines"]
    if options["threads"] is None:
        options["threads"] = 0 if others else 1
    if not options["threads"] and not others:
        raise click.UsageError("a worker needs slots: --processes, --threads or --coroutines must be at least 1")
    options["limits"] = Limits(*(options.pop(limit) for limit in ("max_jobs", "max_time", "max_memory")))
    watched = _watched(options.pop("tube"), options.pop("lane"), strict=options["strict"])
    return Plan(app_path=str(options.pop("app_path").resolve()), **watched, **options)


@click.group(
    epilog=EPILOG,
    invoke_without_command=True,
    subcommand_metavar="[COMMAND]",
    context_settings={"help_option_names": ["--help"], "auto_envvar_prefix": "AYL_WORKER"},
)
@click.option(
    "-a",
    "--app-path",
    type=AppPath(exists=True, file_okay=False, path_type=Path),
    default=".",
    show_default="the current directory",
    show_envvar=True,
    help="Where the app's modules (and ayl.toml) are.",
)
@click.option(
    "-c",
    "--require",
    multiple=True,
    metavar="MODULE",
    show_envvar=True,
    help="A module to import; may be given more than once.  [required]",
)
@click.option("-r", "--rails", is_flag=True, hidden=True, expose_value=False, callback=_no_rails)
@click.option(
    "-e",
    "--environment",
    metavar="NAME",
    callback=_name,
    show_envvar=True,
    help="What the app is to find in AYL_ENVIRONMENT, such as production or staging; ayl itself makes no use of it.",
)
@click.option(
    "-t",
    "--tube",
    multiple=True,
    metavar="TUBE",
    callback=partial(_shared, _named_tube),
    show_default="the app's own, app/version",
    show_envvar=True,
    help="A tube to take jobs from; may be given more than once. With * it is all tubes that match, new ones too. "
    "TUBE=3 is one with a share: 3 jobs of it for each one of a tube without a number.",
)
@click.option(
    "--lane",
    multiple=True,
    metavar="LANE",
    callback=partial(_shared, _named_lane),
    show_envvar=True,
    help="Instead of --tube, and just as that: a lane of the app's version, app/version/LANE. "
    f"{DEFAULT_LANE} is the app's own tube; '*' is all lanes, {DEFAULT_LANE} included.",
)
@click.option(
    "--strict",
    is_flag=True,
    show_envvar=True,
    help="Take jobs from a lane (or tube) only when those before it are empty.",
)
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    show_envvar=True,
    help="How many worker processes, each with all of the slots.",
)
@click.option(
    "--grace",
    type=click.FloatRange(min=0),
    default=25,
    show_default=True,
    show_envvar=True,
    metavar="SECONDS",
    help="How long calls may go on when the worker is to stop.",
)
@click.option(
    "--processes",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    show_envvar=True,
    help="How many calls each worker makes at a time in processes of their own, each of which may die alone.",
)
@click.option(
    "--threads",
    type=click.IntRange(min=0),
    show_default="1, and 0 beside others",
    show_envvar=True,
    help="How many more at a time, in threads; with 1 alone, calls have the main thread.",
)
@click.option(
    "--coroutines",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    show_envvar=True,
    help="How many more at a time, on one event loop, which then has all coroutines of the process.",
)
@click.option(
    "--max-jobs",
    type=click.IntRange(min=1),
    show_envvar=True,
    help="A process is replaced after so many calls; up to a fifth earlier, so that not all are at once.",
)
@click.option(
    "--max-time",
    type=click.FloatRange(min=0, min_open=True),
    show_envvar=True,
    metavar="SECONDS",
    help="... after a call, when it has run so long; up to a fifth earlier.",
)
@click.option(
    "--max-memory",
    callback=_size,
    show_envvar=True,
    metavar="SIZE",
    help="... after a call, when so much of it is in memory: bytes, or with k, m or g.",
)
@click.option(
    "--burst",
    is_flag=True,
    show_envvar=True,
    help="End once no job is ready any more; what is delayed stays.",
)
@click.option(
    "-n",
    "--name",
    default=proctitle.NAME,
    show_default=True,
    show_envvar=True,
    metavar="NAME",
    callback=_name,
    help="What logs, process titles and the pid file call this worker.",
)
@click.option(
    "-p",
    "--pid-path",
    type=click.Path(),
    default="",
    show_envvar=True,
    metavar="PATH",
    help="Hold a file with the number of this process: NAME.pid in a directory, or PATH itself if it ends in .pid.",
)
@click.option(
    "--status",
    type=click.Path(),
    default="",
    callback=lambda _context, _option, path: path and str(Path(path).absolute()),
    metavar="PATH",
    show_envvar=True,
    help="Tell there, at a Unix socket for this user alone, how the worker is: ayl_worker status PATH.",
)
@click.option(
    "--reload",
    is_flag=True,
    callback=_reload,
    show_envvar=True,
    help="For development: when Python files (or ayl.toml) in the app's path change, restart the workers.",
)
@click.option(
    "--log-level",
    type=click.Choice(["DEBUG", "INFO", "WARNING", "ERROR"], case_sensitive=False),
    callback=lambda _context, _option, level: level.upper(),
    default="INFO",
    show_default=True,
    show_envvar=True,
    help="DEBUG also tells of each call that went well.",
)
@click.version_option(package_name="ayl")
@click.pass_context
def main(
    context: click.Context,
    /,
    workers: int,
    environment: str | None,
    pid_path: str,
    name: str,
    **_options: Any,
) -> None:
    """Take jobs from the app's tube and make the calls, in a number of worker processes that are kept alive."""
    if context.invoked_subcommand is not None:
        return
    plan = planned(context)
    pid_file = _pid_file(pid_path, name)
    if environment is not None:
        os.environ["AYL_ENVIRONMENT"] = environment
    # A program of its own in the place of this one: a supervisor lasts as long as its workers, and needs nothing
    # that reads a command line. -P: no file of the current directory stands for a module of the standard library.
    program = [sys.executable, "-P", "-m", "ayl.worker.supervisor", *words(plan, workers, pid_file)]
    os.execv(program[0], program)  # noqa: S606 - our own module


main.add_command(status)


if __name__ == "__main__":
    main(prog_name="ayl_worker")
