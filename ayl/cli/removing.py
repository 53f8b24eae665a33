"""`ayl_beanstalk delete`, `eat_job` and their kind: jobs that nobody is to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ayl import admin
from ayl.cli.consent import YES, ask
from ayl.cli.described import counted, line
from ayl.cli.named import IDS, tell_done
from ayl.cli.output import visible
from ayl.cli.requests import Request, command

if TYPE_CHECKING:
    from collections.abc import Sequence

STATE = click.Argument(["state"], metavar="[STATE]", default="ready", type=click.Choice(admin.PEEKED))


@command(IDS, YES)
def delete(request: Request, ids: Sequence[int], yes: bool) -> None:
    """Delete jobs by their ids.

    Their tubes are of no matter, and nobody has done them then. Those that are not there, or that a worker has, are
    told one by one, and the others are deleted. It asks first.

    \b
    Examples:
      ayl_beanstalk delete 981
      ayl_beanstalk delete 981 982 983 --yes
    """
    server = request.server
    ask(f"Delete {counted(len({*ids}))} of {server}", yes)
    done = request.follow(admin.delete(server, ids), lambda so_far: f"deleted {len(so_far.done):,} …")
    tell_done(request, done, "deleted", "try again when no worker has it")


@command(YES)
def eat_job(request: Request, yes: bool) -> None:
    """Show the ready job of a tube that is next, and delete it.

    The tube is given with -t. It asks first.

    \b
    Example:
      ayl_beanstalk eat_job -t shop/1.4.2
    """
    server = request.server
    ask(f"Delete 1 ready job of {request.tube} at {server}", yes)
    found = admin.eat(server, request.tube)
    request.answer(found, line(found.job) if found.job else f"no ready job in {found.tube}")


@command(STATE, YES)
def eat_all_jobs(request: Request, state: str, yes: bool) -> None:
    """Delete all jobs of a tube that are in one state.

    In one of ready, delayed and buried. The tube is given with -t, or a pattern for each that matches. It asks
    first, with how many there are. Jobs that come meanwhile may be left. Ctrl-C ends it with what was deleted until
    then.

    \b
    Examples:
      ayl_beanstalk eat_all_jobs -t shop/1.4.2
      ayl_beanstalk eat_all_jobs buried -t 'shop/1.3.*' --yes
    """

    def eaten(server: admin.Server) -> list[admin.Eaten]:
        tubes = admin.tubes(server, request.tube)
        count = sum(getattr(tube.jobs, state) for tube in tubes)
        if count:
            where = tubes[0].name if len(tubes) == 1 else f"{len(tubes):,} tubes"
            ask(f"Delete {counted(count, state)} of {where} at {server}", yes)
        return request.follow(admin.eat_all(server, request.tube, state), lambda done: _eaten(done[-1]) if done else "")

    request.answer_tubes(eaten, _eaten)


def _eaten(found: admin.Eaten) -> str:
    return visible(f"deleted {counted(found.jobs, found.state)} of {found.tube}")
