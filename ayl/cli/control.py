"""`ayl_worker_control`: one worker as a daemon, without a `daemons.yml`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ayl import __version__
from ayl.cli.daemons.changing import tell, waiting
from ayl.cli.daemons.exits import codes, epilog
from ayl.cli.daemons.foreground import become
from ayl.cli.daemons.status import seen, told
from ayl.cli.descriptors import open_closed
from ayl.cli.output import visible
from ayl.cli.worker import main as ayl_worker
from ayl.cli.worker import planned
from ayl.daemons.conditions import look
from ayl.daemons.control.replacing import restart as restart_it
from ayl.daemons.control.starting import start as start_it
from ayl.daemons.control.stopping import stop as stop_it
from ayl.daemons.spec.model import Daemon, Kind, Restart

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ayl.daemons.control.outcomes import Outcome
    from ayl.daemons.control.rounds import Waiting

NAME = "ayl_worker_control"

AFTER_GRACE = 5.0
"""Seconds in which a worker gives back what it has cut off."""

MEANINGS = {
    0: "done; of status: it runs",
    1: "it failed; of status: it has died, or does not come up",
    2: "the command line is wrong",
    3: "of status: it does not run",
    4: "another user may do it",
    64: "there is no application: no --require, or an --app-path that is not there",
}
"""Of the exit codes."""

EPILOG = f"""
Behind -- stand the options of `ayl_worker`, see `ayl_worker --help`. Of these, --name tells several workers apart, and
--pid-path says in which directory the worker has its own, with its pid file, under its name: give these two to each
command. Without --pid-path that is /run/ayl for root, and ayl/run in XDG_STATE_HOME (~/.local/state) for others.

\b
Examples:
  ayl_worker_control start -- --app-path /srv/shop --require shop.models
  ayl_worker_control status
  ayl_worker_control start -- -n mail -a /srv/shop -c shop.models -t shop/1.4.2/mail
  ayl_worker_control restart -- -n mail -a /srv/shop -c shop.models -t shop/1.4.2/mail
  ayl_worker_control stop -- -n mail
  ayl_worker_control run -- -a /srv/shop -c shop.models

{codes(MEANINGS)}
"""

PRIVATE = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES")
"""Variables that are meant for whoever has them, and not for a worker."""

WORDS = click.Argument(["words"], metavar="[-- OPTIONS]", nargs=-1, type=click.UNPROCESSED)
LOG = click.Option(
    ["--log"],
    type=click.Path(dir_okay=False),
    metavar="PATH",
    show_default="NAME.log in /var/log/ayl, or in ayl/log of XDG_STATE_HOME",
    help="The file for what it prints.",
)


@click.group(NAME, epilog=EPILOG, context_settings={"max_content_width": 100})
@click.version_option(__version__, prog_name=NAME)
def main() -> None:
    """Start one worker as a daemon, and look after it.

    For many workers, and for what is to start at boot, see `ayl_daemons`.
    """
    open_closed()


def _command(name: str, help_text: str, *examples: str) -> Callable[[Callable[[Daemon], None]], None]:
    """A command about the worker that the words name."""
    below = epilog(*(f"{NAME} {name}{words}" for words in examples), meanings=MEANINGS)

    def add(function: Callable[[Daemon], None]) -> None:
        def run(words: Sequence[str], log: str | None) -> None:
            function(daemon(words, log, is_needed=name in ("start", "restart", "run")))

        main.add_command(click.Command(name, callback=run, params=[WORDS, LOG], help=help_text, epilog=below))

    return add


@_command(
    "start",
    "Start it, and wait until it works. It is restarted when it dies.",
    " -- --app-path /srv/shop --require shop.models",
    " -- -n mail -a /srv/shop -c shop.models -t shop/1.4.2/mail",
    " --log /srv/shop/worker.log -- -a /srv/shop -c shop.models",
)
def _start(of: Daemon) -> None:
    _tell(start_it, of)


@_command(
    "stop",
    "Stop it, and wait until it has ended: calls that run are finished, within its --grace.",
    "",
    " -- -n mail",
)
def _stop(of: Daemon) -> None:
    _tell(stop_it, of)


@_command(
    "restart",
    "Put a new one in its place, with these options. The old one stops when the new one works.",
    " -- --app-path /srv/shop --require shop.models",
    " -- -n mail -a /srv/shop -c shop.models -t shop/1.4.2/mail",
)
def _restart(of: Daemon) -> None:
    _tell(restart_it, of)


@_command("status", "Tell how it is.", "", " -- -n mail", " -- -n mail -p /srv/shop/run")
def _status(of: Daemon) -> None:
    condition = look(of.name, of.run)
    click.echo(told([condition]))
    click.get_current_context().exit(seen([condition]))


@_command("run", "Run it in the foreground; it is restarted when it dies.", " -- -a /srv/shop -c shop.models")
def _run(of: Daemon) -> None:
    os.makedirs(os.path.dirname(of.run), 0o755, exist_ok=True)  # noqa: PTH103,PTH120 - paths are text in the model
    become(of, "")


def _tell(change: Callable[[Sequence[Daemon], str, Waiting], Iterator[Outcome]], of: Daemon) -> None:
    tell(change([of], os.path.dirname(of.run), waiting), [of.name], wants_json=False)  # noqa: PTH120 - as above


def daemon(words: Sequence[str], log: str | None, *, is_needed: bool) -> Daemon:
    """What the options of `ayl_worker` mean. click's UsageError if they make no sense. `is_needed`: whether there has
    to be an application.
    """
    options = _options(words, is_needed=is_needed)
    name = options["name"]
    return Daemon(
        name,
        Kind.WORKERS,
        # The keeper holds the pid file: its worker needs none.
        (sys.executable, "-P", "-m", "ayl.cli.worker", *words, "--pid-path", ""),
        str(Path.cwd()),
        environment={name: text for name, text in os.environ.items() if name not in PRIVATE},
        grace=options["grace"] + AFTER_GRACE,
        restart=Restart.ON_FAILURE,
        overlap=not options["status"],  # two cannot answer at one place
        log=str(Path(log).absolute()) if log else f"{_place('/var/log/ayl', 'log')}/{name}.log",
        run=f"{_directory(options['pid_path'])}/{name}",
    )


def _options(words: Sequence[str], *, is_needed: bool) -> dict[str, Any]:
    """What `ayl_worker` understands of them."""
    context = ayl_worker.make_context("ayl_worker", [*words])
    surplus = [*getattr(context, "_protected_args", ()), *context.args]  # where click 8 and 9 have the rest
    if surplus:
        raise click.UsageError(f"behind -- stand options of ayl_worker, and {visible(surplus[0])} is none", context)
    if is_needed:
        planned(context)  # which refuses what the worker would
    return context.params


def _directory(pid_path: str) -> str:
    """Where workers have their own."""
    if not pid_path:
        return _place("/run/ayl", "run")
    path = Path(pid_path).absolute()
    return str(path.parent if path.suffix == ".pid" else path)


def _place(of_root: str, name: str) -> str:
    if os.geteuid() == 0:
        return of_root
    state = os.environ.get("XDG_STATE_HOME", "")
    return str((Path(state) if state.startswith("/") else Path.home() / ".local/state") / "ayl" / name)


if __name__ == "__main__":
    main()
