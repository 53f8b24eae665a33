"""`ayl_worker`: run an app's calls."""

from pathlib import Path

import click

from ayl.tubes import RULE, legal
from ayl.worker.supervisor import supervise

EPILOG = """
Examples:

\b
  ayl_worker --app-path /srv/shop --require shop.models
  ayl_worker --require shop.models --processes 4 --threads 8
  ayl_worker --require shop.models --threads 0 --coroutines 1000
  ayl_worker --require shop.models --tube shop/1.4.1 --tube shop/1.4.2

The modules that --require names are imported; they declare what may be called (@ayl.model, @ayl.task) and
usually call ayl.configure(app=…, version=…). AYL_APP, AYL_VERSION, AYL_ENGINE and ayl.toml in the app's
path are read too.

\b
Signals: SIGTERM or SIGINT (Ctrl-C) lets each worker finish its call; a second one kills them, and the server
gives their jobs to others.
Exit codes: 0 stopped or retired, 2 wrong usage, 78 the app cannot be loaded.
"""


def _tubes(_context: click.Context, _option: click.Parameter, names: tuple[str, ...]) -> tuple[str, ...]:
    for name in names:
        if not legal(name):
            raise click.BadParameter(f"no tube can be named {name!r}: a name is {RULE}")
    return names


@click.command(epilog=EPILOG, context_settings={"help_option_names": ["--help"], "auto_envvar_prefix": "AYL_WORKER"})
@click.option(
    "-a",
    "--app-path",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=".",
    show_default="the current directory",
    show_envvar=True,
    help="Where the app's modules (and ayl.toml) are.",
)
@click.option(
    "-c",
    "--require",
    multiple=True,
    required=True,
    metavar="MODULE",
    show_envvar=True,
    help="A module to import; may be given more than once.",
)
@click.option(
    "-t",
    "--tube",
    multiple=True,
    metavar="TUBE",
    callback=_tubes,
    show_default="the app's own, app/version",
    show_envvar=True,
    help="A tube to take jobs from; may be given more than once.",
)
@click.option(
    "--processes",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    show_envvar=True,
    help="How many worker processes.",
)
@click.option(
    "--threads",
    type=click.IntRange(min=0),
    default=1,
    show_default=True,
    show_envvar=True,
    help="How many calls each process makes at a time, in threads; with 1, calls have the main thread.",
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
    "--log-level",
    type=click.Choice(["DEBUG", "INFO", "WARNING", "ERROR"], case_sensitive=False),
    default="INFO",
    show_default=True,
    show_envvar=True,
    help="DEBUG also tells of each call that went well.",
)
@click.version_option(package_name="ayl")
@click.pass_context
def main(
    context: click.Context,
    app_path: Path,
    require: tuple[str, ...],
    tube: tuple[str, ...],
    processes: int,
    threads: int,
    coroutines: int,
    log_level: str,
) -> None:
    """Take jobs from the app's tube and make the calls, in a number of worker processes that are kept alive."""
    if not threads and not coroutines:
        raise click.UsageError("a process needs slots: --threads or --coroutines must be at least 1")
    context.exit(supervise(str(app_path.resolve()), require, tube, processes, log_level.upper(), threads, coroutines))
