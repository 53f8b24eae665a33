"""`run`: daemons in the foreground, for systemd and containers."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, NoReturn

import click

from ayl.cli.daemons.chosen import NAMES, chosen
from ayl.cli.daemons.exits import Exit
from ayl.cli.daemons.files import OPTIONS, configuration
from ayl.cli.output import visible
from ayl.daemons import launching
from ayl.daemons.control.starting import ordered
from ayl.daemons.errors import DaemonError, NotPermitted
from ayl.pidfiles import PidFileHeld

if TYPE_CHECKING:
    from ayl.daemons.spec.model import Daemon


@click.command(params=[NAMES, *OPTIONS])
@click.pass_context
def run(ctx: click.Context, names: tuple[str, ...], config: str | None) -> None:
    """Run daemons in the foreground until SIGTERM or Ctrl-C, for systemd units and containers.

    What they print goes to standard output; of several, with the name before each line. They are restarted when they
    die, and known to the other commands: `ayl_daemons status`, and `restart` and `reload` from elsewhere. systemd is
    told when the daemon is ready (Type=notify), and gets signs of life if it wants them.

    \b
    Signals:
      SIGTERM, SIGINT  stop, as `ayl_daemons stop` does; the second time at once
      SIGHUP           of several: `ayl_daemons reload`
    """
    found = configuration(config)
    daemons = chosen(found.daemons, names)
    if not daemons:
        click.echo("there is nothing to run: no daemon is configured", err=True)
        ctx.exit(Exit.NOT_CONFIGURED)
    if len(daemons) == 1:
        become(daemons[0], "")
    from ayl.daemons.company import Company

    width = max(len(daemon.name) for daemon in daemons)
    prefixes = {daemon.name: f"{daemon.name:{width}} | " for daemon in daemons}
    again = [sys.executable, "-P", "-m", "ayl.cli.daemons", "reload", "--config", found.path, *names]
    ctx.exit(Company(daemons, lambda daemon: become(daemon, prefixes[daemon.name]), again).run())


def become(daemon: Daemon, prefix: str) -> NoReturn:
    """Be the keeper of this one. Ends the command if that cannot be."""
    try:
        given = ordered(daemon)
        launching.become(given, daemon.run, prefix)
    except PidFileHeld as error:
        _fail(daemon.name, f"already running (pid {error.pid})", Exit.FAILED)
    except NotPermitted as error:
        _fail(daemon.name, error.reason, Exit.NOT_PERMITTED)
    except DaemonError as error:
        _fail(daemon.name, error.reason, Exit.FAILED)
    except OSError as error:
        _fail(daemon.name, str(error), Exit.FAILED)


def _fail(name: str, reason: str, code: Exit) -> NoReturn:
    click.echo(f"{visible(name)}: {visible(reason)}", err=True)
    sys.stdout.flush()
    os._exit(code)  # of a process that was to become another: nothing of this one is to be run any more
