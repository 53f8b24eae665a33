"""`ayl_worker`: run an app's calls."""

from pathlib import Path

import click

from ayl.tubes import RULE, legal
from ayl.worker.process import Plan
from ayl.worker.supervisor import supervise

EPILOG = """
Examples:

\b
  ayl_worker --app-path /srv/shop --require shop.models
  ayl_worker --require shop.models --processes 4 --threads 8
  ayl_worker --require shop.models --tube shop/1.4.1 --tube shop/1.4.2

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
   0  stopped or retired, and every call that had begun has ended
   2  wrong usage
  70  workers died at their start again and again
  75  calls were cut off at the end of --grace; their jobs were given back
  78  the app cannot be loaded, or its settings make no sense
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
    "--grace",
    type=click.FloatRange(min=0),
    default=25,
    show_default=True,
    show_envvar=True,
    metavar="SECONDS",
    help="How long calls may go on when the worker is to stop.",
)
@click.option(
    "--threads",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    show_envvar=True,
    help="How many calls each process makes at a time, in threads; with 1, calls have the main thread.",
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
    grace: float,
    log_level: str,
) -> None:
    """Take jobs from the app's tube and make the calls, in a number of worker processes that are kept alive."""
    plan = Plan(str(app_path.resolve()), require, tube, log_level.upper(), threads, grace)
    context.exit(supervise(plan, processes))
