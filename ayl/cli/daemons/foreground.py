"""`run`: daemons in the foreground, for systemd and containers; `prepare`, which systemd has done before."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, NoReturn

import click

from ayl.cli.daemons.chosen import NAMES, chosen
from ayl.cli.daemons.exits import MEANINGS, Exit, epilog
from ayl.cli.daemons.files import OPTIONS, configuration
from ayl.cli.output import visible
from ayl.daemons import grounds, launching
from ayl.daemons.control.starting import ordered, prepared
from ayl.daemons.errors import DaemonError, NotPermitted
from ayl.daemons.home import Home
from ayl.daemons.order import Order
from ayl.pidfiles import PidFileHeld

if TYPE_CHECKING:
    from collections.abc import Callable

    from ayl.daemons.spec.model import Daemon

RUN = (
    epilog(
        "ayl_daemons run                     everything in the file",
        "ayl_daemons run shop.mail           one worker group",
        "ayl_daemons run --prepared /run/ayl/shop.mail",
        meanings={
            Exit.DONE: "told to stop, and it has; or all have ended as they were told",
            Exit.FAILED: "one runs already, or cannot be started",
            Exit.USAGE: MEANINGS[Exit.USAGE],
            Exit.NOT_PERMITTED: MEANINGS[Exit.NOT_PERMITTED],
            Exit.NOT_CONFIGURED: "the file of configuration is wrong or missing, or no daemon is in it",
        },
    )
    + """

One that has failed and is not to be started again ends it with its own code. So does a keeper that has failed: 70, if
that was killed.
"""
)


@click.command(
    params=[
        NAMES,
        click.Option(
            ["--prepared"],
            metavar="DIR",
            help="Run the daemon whose order `prepare` has left in this directory; the file is not read.",
        ),
        *OPTIONS,
    ],
    epilog=RUN,
)
@click.pass_context
def run(ctx: click.Context, names: tuple[str, ...], prepared: str | None, config: str | None) -> None:
    """Run daemons in the foreground until SIGTERM or Ctrl-C, for systemd units and containers.

    What they print goes to standard output; of several, with the name before each line. They are restarted when they
    die, and known to the other commands: `ayl_daemons status`, and `restart` and `reload` from elsewhere. systemd is
    told when the daemon is ready (Type=notify), and gets signs of life if it wants them.

    \b
    Signals:
      SIGTERM, SIGINT  stop, as `ayl_daemons stop` does; said again, each process
                        is asked again: workers then cut off their calls
      SIGHUP           of several: `ayl_daemons reload` of those that run here;
                        what is new needs another `run`
    """
    if prepared is not None:
        if names:
            raise click.UsageError("--prepared DIR says which daemon it is; please leave NAME out")
        become_prepared(prepared)
    found = configuration(config, names or None)
    daemons = chosen(found.daemons, names)
    if not daemons:
        click.echo("there is nothing to run: no daemon is configured", err=True)
        ctx.exit(Exit.NOT_CONFIGURED)
    if len(daemons) == 1:
        become(daemons[0], "")
    from ayl.daemons.company import Company

    width = max(len(daemon.name) for daemon in daemons)
    prefixes = {daemon.name: f"{daemon.name:{width}} | " for daemon in daemons}
    again = [sys.executable, "-P", "-m", "ayl.cli.daemons", "reload", "--running", "--config", found.path, *names]
    ctx.exit(Company(daemons, lambda daemon: become(daemon, prefixes[daemon.name]), again).run())


PREPARE = epilog(
    "ayl_daemons prepare shop.mail",
    "ayl_daemons run --prepared /run/ayl/shop.mail",
    meanings={
        Exit.DONE: "done",
        Exit.FAILED: "it cannot be made ready",
        Exit.USAGE: MEANINGS[Exit.USAGE],
        Exit.NOT_PERMITTED: MEANINGS[Exit.NOT_PERMITTED],
        Exit.NOT_CONFIGURED: MEANINGS[Exit.NOT_CONFIGURED],
    },
)


@click.command(params=[click.Argument(["name"]), *OPTIONS], epilog=PREPARE)
def prepare(name: str, config: str | None) -> None:
    """Make everything ready for one `run --prepared DIR`, as the units of systemd do.

    They read the file as root and run the daemon as its user, who need not be able to read it, nor the variables of
    other applications. DIR is the daemon's own directory: /run/ayl/NAME, if directories.run does not say otherwise.
    """
    (daemon,) = _one(chosen(configuration(config, [name]).daemons, [name]), name)
    try:
        grounds.prepare(ordered(daemon), daemon.run)
    except NotPermitted as error:
        _fail(daemon.name, error.reason, Exit.NOT_PERMITTED)
    except DaemonError as error:
        _fail(daemon.name, error.reason, Exit.FAILED)


def _one(daemons: list[Daemon], name: str) -> list[Daemon]:
    if len(daemons) > 1:
        several = ", ".join(daemon.name for daemon in daemons)
        raise click.BadParameter(f"{name!r} is several daemons ({several}); expected one", param_hint="NAME")
    return daemons


def become_prepared(directory: str) -> NoReturn:
    """Be the keeper that finds its order there. Ends the command if that cannot be."""
    home = Home(os.path.abspath(directory))  # noqa: PTH100 - paths are text here
    try:
        order = Order.from_json(home.read(home.order))
    except OSError as error:
        _fail(directory, f"its order cannot be read: {error.strerror}; ayl_daemons prepare makes it", Exit.FAILED)
    except ValueError:
        _fail(directory, "its order makes no sense; ayl_daemons prepare makes it anew", Exit.FAILED)
    _become(lambda: order, order.name, home.path, "")


def become(daemon: Daemon, prefix: str) -> NoReturn:
    """Be the keeper of this one. Ends the command if that cannot be."""
    _become(lambda: prepared(daemon), daemon.name, daemon.run, prefix)


def _become(order: Callable[[], Order], name: str, directory: str, prefix: str) -> NoReturn:
    try:
        launching.become(order(), directory, prefix)
    except PidFileHeld as error:
        _fail(name, f"already running (pid {error.pid})", Exit.FAILED)
    except NotPermitted as error:
        _fail(name, error.reason, Exit.NOT_PERMITTED)
    except DaemonError as error:
        _fail(name, error.reason, Exit.FAILED)
    except OSError as error:
        _fail(name, str(error), Exit.FAILED)


def _fail(name: str, reason: str, code: Exit) -> NoReturn:
    click.echo(f"{visible(name)}: {visible(reason)}", err=True)
    sys.stdout.flush()
    os._exit(code)  # of a process that was to become another: nothing of this one is to be run any more
