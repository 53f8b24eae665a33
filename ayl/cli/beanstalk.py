"""`ayl_beanstalk`: what goes on in a server, and a word to its workers."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from ayl import __version__, admin, settings
from ayl.cli import ExitCode
from ayl.cli.output import Styled, Value, listing, table, visible
from ayl.cli.requests import NAME, OPTIONS, Request, command
from ayl.cli.spool import spool

if TYPE_CHECKING:
    from collections.abc import Callable

    from ayl.signing import KeyRing

EPILOG = f"""
Options may stand before or after the command. Commands may be written with dashes: list-tubes.

\b
Examples:
  {NAME}                                  the whole server
  {NAME} -h queue.example.org list_tubes  the tubes of a server elsewhere
  {NAME} tube_statistics -t shop/1.4.2    one tube and its workers
  {NAME} list_tubes --json | jq -r '.[].name'
  {NAME} kill_worker -t shop/1.4.2        one worker exits when it is free
  {NAME} spool list                       calls that wait on this machine for a server

\b
Exit codes:
  {ExitCode.OK:2}  done
  {ExitCode.REFUSED:2}  refused: no such tube, no worker there to exit, ...
  {ExitCode.USAGE:2}  the command line is wrong
  {ExitCode.UNAVAILABLE:2}  no server answers there

\b
Environment:
  Each option has a variable, shown beside it; an option that is given wins.
  AYL_SECRETS (or an ayl.toml, see AYL_CONFIG) holds the keys that sign kill_worker and its kind.
  NO_COLOR=1 leaves colours away; without a terminal there are none anyway.

\b
Completion, in ~/.bashrc (for zsh and fish put their names for bash's):
  eval "$(_AYL_BEANSTALK_COMPLETE=bash_source {NAME})"
"""


class _Commands(click.Group):
    """click repeats a surplus argument as it came."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except click.UsageError as error:
            raise click.UsageError(visible(error.format_message()), error.ctx) from error


@click.group(
    NAME,
    cls=_Commands,
    params=[*OPTIONS],
    epilog=EPILOG,
    invoke_without_command=True,
    subcommand_metavar="[COMMAND] [OPTIONS]",
    context_settings={"token_normalize_func": lambda name: name.replace("-", "_"), "max_content_width": 100},
)
@click.version_option(__version__, prog_name=NAME)
@click.pass_context
def ayl_beanstalk(ctx: click.Context, /, **_options: object) -> None:
    """Look at a beanstalkd-compatible server, its tubes and the workers on them.

    Without a command: statistics.
    """
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        ctx.color = False
    if ctx.invoked_subcommand is None:
        ctx.forward(statistics)


def operation(function: Callable[[Request], None]) -> click.Command:
    """A command of this group."""
    made = command(function)
    ayl_beanstalk.add_command(made)
    return made


@operation
def statistics(request: Request) -> None:
    """The whole server: jobs, workers, and all that it reports.

    A worker is a connection that has ever reserved; available ones wait for a job, busy ones do not.
    """
    found = admin.statistics(request.server)
    totals = table(("TUBES", *COLUMNS), [(found.tubes, *_columns(found.jobs, found.workers))])
    request.answer(found, f"{totals}\n\n{listing(sorted(found.reported.items()))}")


@operation
def list_tubes(request: Request) -> None:
    """All tubes, by name, with their jobs and workers.

    A worker is a connection that watches the tube. Every client watches `default` until it says otherwise, so
    producers are often counted there.
    """
    found = sorted(admin.tubes(request.server), key=lambda tube: tube.name)
    rows = [(tube.name, *_columns(tube.jobs, tube.workers)) for tube in found]
    request.answer(found, table(("TUBE", *COLUMNS), rows))


@operation
def tube_statistics(request: Request) -> None:
    """One tube in full.

    The tube is given with -t. A worker is a connection that watches it. Every client watches `default` until it
    says otherwise, so producers are often counted there.
    """
    found = admin.tube_statistics(request.server, request.tube)
    jobs, workers = found.jobs, found.workers
    facts: list[tuple[str, Value]] = [
        ("tube", found.name),
        ("workers", workers.total),
        ("workers available", workers.available),
        ("workers busy", workers.busy),
        ("ready", _ready(jobs, workers)),
        ("urgent", jobs.urgent),
        ("reserved", jobs.reserved),
        ("delayed", jobs.delayed),
        ("buried", _buried(jobs)),
        ("total", jobs.total),
        ("deletes", found.deletes),
        ("clients using it", found.using),
        ("pauses", found.pauses),
        ("paused for seconds", found.pause),
        ("pause time left", found.pause_time_left),
    ]
    request.answer(found, listing(facts))


@operation
def kill_worker(request: Request) -> None:
    """Ask one worker of a tube to exit.

    The tube is given with -t; when no worker watches it, the request is refused. The request is a job of the
    highest priority. The first worker that is free takes it, so no call is cut short; its supervisor does not
    replace that worker. Where the app's messages are signed, this one has to be, too: run the command with the
    app's AYL_SECRETS, or where its ayl.toml is.
    """
    _order(request, admin.kill_worker, "to exit")


@operation
def quiet_worker(request: Request) -> None:
    """Ask one worker of a tube to take no more jobs.

    As kill_worker, but its supervisor keeps the place, and starts a worker there when it is told to resume (SIGCONT
    or SIGUSR2), or is started anew itself.
    """
    _order(request, admin.quiet_worker, "to be quiet")


@operation
def restart_worker(request: Request) -> None:
    """Have one worker of a tube replaced.

    As kill_worker, but its supervisor starts another, with the code as it is now; the old one exits when the new one
    is connected, and stays if that fails.
    """
    _order(request, admin.restart_worker, "to be replaced")


def _order(
    request: Request, order: Callable[[admin.Server, str, KeyRing | None], admin.WorkerOrder], what: str
) -> None:
    if not request.named_tube:
        # Every client watches `default` until it says otherwise, so a request there might wait for the first
        # worker that ever comes.
        raise click.UsageError(f"say whose worker: {click.get_current_context().info_name} -t TUBE")
    found = order(request.server, request.tube, settings.current().secrets)
    whom = "the worker" if found.workers.total == 1 else f"one of {found.workers.total} workers"
    when = "" if found.workers.available else " as soon as it is free"
    how = "signed" if found.signed else "not signed: a worker with secrets will bury it"
    request.answer(found, f"asked {whom} of {found.tube} {what}{when} (job {found.job}, {how})")


ayl_beanstalk.add_command(spool)

COLUMNS = ("READY", "RESERVED", "DELAYED", "BURIED", "WORKERS", "AVAILABLE", "BUSY")


def _columns(jobs: admin.Jobs, workers: admin.Workers) -> tuple[Value, ...]:
    states = (_ready(jobs, workers), jobs.reserved, jobs.delayed, _buried(jobs))
    return (*states, workers.total, workers.available, workers.busy)


def _ready(jobs: admin.Jobs, workers: admin.Workers) -> Styled:
    return Styled(jobs.ready, colour="yellow" if jobs.ready and not workers.total else None)


def _buried(jobs: admin.Jobs) -> Styled:
    return Styled(jobs.buried, colour="red" if jobs.buried else None)


def main() -> None:
    """The command."""
    ayl_beanstalk(prog_name=NAME)


if __name__ == "__main__":
    main()
