"""`ayl_beanstalk`: what goes on in a server, and what an operator can do about it."""

from __future__ import annotations

import os
import sys

import click

from ayl import __version__
from ayl.cli import ExitCode
from ayl.cli.families import Commands, Imported
from ayl.cli.requests import NAME, OPTIONS

COMPLETE = "_AYL_BEANSTALK_COMPLETE"
"""The variable by which a shell asks."""

EPILOG = f"""
Options may stand before or after the command. Commands may be written with dashes: list-tubes.

\b
Examples:
  {NAME}                                  the whole server
  {NAME} -h queue.example.org list_tubes  the tubes of a server elsewhere
  {NAME} tube_statistics -t shop/1.4.2    one tube and its workers
  {NAME} watch -t 'shop/*'                a live table of the tubes of an app
  {NAME} list_tubes --json | jq -r '.[].name'
  {NAME} why 981                          why this job does not run
  {NAME} doctor                           what is wrong, and what to do about it
  {NAME} -h queue1,queue2 list_tubes      ... of two servers
  {NAME} peek_buried -t 'shop/*'          what has failed first, in each of these tubes
  {NAME} kick all -t shop/1.4.2           buried jobs are made ready
  {NAME} kill_worker -t shop/1.4.2        one worker exits when it is free
  {NAME} spool list                       calls that wait on this machine for a server

\b
Exit codes:
  {ExitCode.OK:3}  done
  {ExitCode.REFUSED:3}  refused: no such tube, no worker there to exit, ...; or doctor has found trouble
  {ExitCode.USAGE:3}  the command line is wrong
  {ExitCode.UNAVAILABLE:3}  no server answers there
  {ExitCode.INTERRUPTED:3}  interrupted: what was done until then is told

\b
Environment:
  Each option has a variable, shown beside it; an option that is given wins.
  AYL_ENGINE of the app says where its server is, where neither -h nor -p does.
  AYL_SECRETS (or an ayl.toml, see AYL_CONFIG) holds the keys that sign kill_worker and its kind.
  NO_COLOR=1 leaves colours away; without a terminal there are none anyway.

\b
Completion:
  ~/.bashrc  eval "$({COMPLETE}=bash_source {NAME})"
  ~/.zshrc   eval "$({COMPLETE}=zsh_source {NAME})", after compinit
  ~/.config/fish/completions/{NAME}.fish
             {COMPLETE}=fish_source {NAME} | source
"""


FAMILIES = {
    "looking": ("Look", ("statistics", "list_tubes", "tube_statistics")),
    "live": ("Look", ("watch", "top")),
    "searching": ("Jobs", ("search",)),
    "peeking": ("Jobs", ("job_statistics", "peek_job", "peek_ready", "peek_delayed", "peek_buried")),
    "diagnosis": ("Diagnose", ("why", "doctor")),
    "calls": ("Put", ("put_ayl_job",)),
    "putting": ("Put", ("put_job", "put_sleep_job")),
    "changing": ("Change", ("kick", "kick_job", "pause", "resume")),
    "moving": ("Change", ("move_jobs",)),
    "removing": ("Change", ("delete", "eat_job", "eat_all_jobs")),
    "releases": ("Releases", ("drain",)),
    "migrations": ("Releases", ("migrate", "manifest")),
    "orders": ("Workers", ("kill_worker", "quiet_worker", "restart_worker")),
    "spool": ("This machine", ("spool",)),
}
"""A module beside this one, its title in the help, and the commands that it has under their names."""


@click.group(
    NAME,
    cls=Commands,
    commands=Imported("ayl.cli", FAMILIES),
    params=[*OPTIONS],
    epilog=EPILOG,
    invoke_without_command=True,
    subcommand_metavar="[COMMAND] [OPTIONS]",
    context_settings={"token_normalize_func": lambda name: name.replace("-", "_"), "max_content_width": 100},
)
@click.version_option(__version__, prog_name=NAME)
@click.pass_context
def ayl_beanstalk(ctx: click.Context, /, **_options: object) -> None:
    """Look at beanstalkd-compatible servers, their tubes, jobs and workers, and change what is there.

    Without a command: statistics.
    """
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        ctx.color = False
    if ctx.invoked_subcommand is None:
        from ayl.cli.looking import statistics

        ctx.forward(statistics)


def main() -> None:
    """The command."""
    try:
        ayl_beanstalk(prog_name=NAME)
    except OSError as error:  # of what it writes to: what it reads from has errors of its own
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # for what is still in the buffer
        sys.exit(f"{NAME}: cannot write all of the answer: {error.strerror}")


if __name__ == "__main__":
    main()
