"""`start`, `stop`, `restart`, `reload`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from ayl.cli.daemons.chosen import JSON, NAMES, chosen
from ayl.cli.daemons.exits import Exit, epilog
from ayl.cli.daemons.files import OPTIONS, Misconfigured, configuration, source
from ayl.cli.daemons.patience import told
from ayl.cli.output import as_json, visible
from ayl.daemons.control.replacing import reload as reload_them
from ayl.daemons.control.replacing import restart as restart_them
from ayl.daemons.control.starting import start as start_them
from ayl.daemons.control.stopping import stop as stop_them
from ayl.daemons.control.strays import strays
from ayl.daemons.spec.places import RUN

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ayl.daemons.control.outcomes import Outcome
    from ayl.daemons.spec.model import Daemon


START = epilog(
    "ayl_daemons start              everything in the file",
    "ayl_daemons start shop         all of one application",
    "ayl_daemons start shop.mail    one worker group",
)


@click.command(params=[NAMES, JSON, *OPTIONS], epilog=START)
def start(names: tuple[str, ...], wants_json: bool, config: str | None) -> None:
    """Start what does not run, and wait until it works.

    A worker group works when all of its processes have loaded the application and are connected to the server. What
    does not is told, with the last lines of its log; it goes on being tried, with growing pauses, until it is stopped.
    """
    found = configuration(config, names or None)
    daemons = chosen(found.daemons, names)
    tell(start_them(daemons, found.run, waiting), _names(daemons), wants_json=wants_json)


ANY = click.Option(
    ["--any", "anywhere"],
    metavar="DIR",
    help=f"Stop whatever runs in this directory ({RUN}, mostly), of whatever file; none is read.",
)


STOP = epilog(
    "ayl_daemons stop               everything, the server last",
    "ayl_daemons stop shop          all of one application",
    "ayl_daemons stop shop.mail server",
)


@click.command(params=[NAMES, JSON, ANY, *OPTIONS], epilog=STOP)
def stop(names: tuple[str, ...], wants_json: bool, anywhere: str | None, config: str | None) -> None:
    """Stop what runs, and wait until it has ended.

    Calls that run are finished, within the grace of the group; what still runs then is cut off and given back. The
    server comes last. Without names it stops what is no longer in the file, too; and if the file is wrong, it stops
    what runs in /run/ayl all the same.
    """
    if anywhere is not None:
        if names:
            raise click.UsageError("--any DIR stops all that runs there; please leave NAME out")
        directory = os.path.abspath(anywhere)  # noqa: PTH100 - paths are text in the model
        daemons = strays(directory, (), None)
        tell(stop_them(daemons, directory, waiting), _names(daemons), wants_json=wants_json)
    try:
        found = configuration(config, ())
        directory, daemons = found.run, chosen(found.daemons, names)
    except Misconfigured as error:
        error.show()
        click.echo(f"stopping what runs in {RUN} all the same; what runs elsewhere needs the file", err=True)
        directory = RUN
        daemons = chosen(strays(directory, (), source(config)), names)
    if not names:
        daemons += strays(directory, [daemon.name for daemon in daemons], source(config))
    tell(stop_them(daemons, directory, waiting), _names(daemons), wants_json=wants_json)


RESTART = epilog(
    "ayl_daemons restart            everything, one after the other; after an upgrade of ayl, too",
    "ayl_daemons restart shop.mail  one worker group",
)


@click.command(params=[NAMES, JSON, *OPTIONS], epilog=RESTART)
def restart(names: tuple[str, ...], wants_json: bool, config: str | None) -> None:
    """Put new processes in the place of those that run, one daemon after the other.

    New workers are started beside the old ones, which stop when the new ones work: there is no gap. If the new ones
    fail, the old ones stay, and the daemons that would have been next are left as they are. The server and other
    daemons are stopped first, unless `overlap` says otherwise. What does not run is started.
    """
    found = configuration(config, names or None)
    daemons = chosen(found.daemons, names)
    tell(restart_them(daemons, found.run, waiting), _names(daemons), wants_json=wants_json)


RUNNING = click.Option(
    ["--running", "only_running"],
    is_flag=True,
    help="Start nothing: what does not run fails. (For `run`, which would not have it as its own.)",
)


RELOAD = epilog(
    "ayl_daemons reload             after a change of the file",
    "ayl_daemons reload shop        after a deploy of one application",
    "ayl_daemons reload --json | jq -r '.[] | select(.done | not).text'",
)


@click.command(params=[NAMES, JSON, RUNNING, *OPTIONS], epilog=RELOAD)
def reload(names: tuple[str, ...], wants_json: bool, only_running: bool, config: str | None) -> None:
    """Read the file again, look up the versions, and replace what has changed, as `restart` does.

    For a deploy. Workers of another version are started; the old ones stay until nothing waits in their tubes any
    more, at most as long as `drain` says. What is no longer in the file is stopped, what is new is started, and what
    has not changed is left alone.
    """
    found = configuration(config, names or None)
    daemons = chosen(found.daemons, names)
    gone = [] if names else strays(found.run, [daemon.name for daemon in found.daemons], source(config))

    def steps() -> Iterator[Outcome]:
        yield from stop_them(gone, found.run, waiting)
        yield from reload_them(daemons, found.run, waiting, launches=not only_running)

    tell(steps(), _names([*gone, *daemons]), wants_json=wants_json)


def _names(daemons: Sequence[Daemon]) -> list[str]:
    return [daemon.name for daemon in daemons]


def waiting(name: str, pid: int) -> None:
    """Another one is changing this daemon."""
    click.echo(f"{name}: waiting for another ayl_daemons (pid {pid})", err=True)


def tell(outcomes: Iterator[Outcome], names: Sequence[str], *, wants_json: bool) -> None:
    """Each as it comes, and the exit code. `names`: of all that are to come."""
    found: list[Outcome] = []
    with told(names) as done:
        for outcome in outcomes:
            found.append(outcome)
            done(outcome.name)
            if not wants_json:
                click.echo("\n".join(lines(outcome)))
    if wants_json:
        click.echo(as_json(found))
    elif not found:
        click.echo("there is nothing to do: no daemon is configured")
    click.get_current_context().exit(code(found))


def lines(outcome: Outcome) -> list[str]:
    """For people."""
    mark = "" if outcome.done else click.style("failed: ", fg="red")
    tail = [f"    {visible(line)}" for line in outcome.tail]
    what = "more in" if tail else "see"
    more = [f"    ({what} {visible(outcome.log)})"] if not outcome.done and outcome.log.startswith("/") else []
    return [f"{visible(outcome.name)}: {mark}{visible(outcome.text)}", *tail, *more]


def code(outcomes: Sequence[Outcome]) -> Exit:
    """What init scripts are told."""
    if any(not outcome.permitted for outcome in outcomes):
        return Exit.NOT_PERMITTED
    return Exit.DONE if all(outcome.done for outcome in outcomes) else Exit.FAILED
