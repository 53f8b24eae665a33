"""`ayl_beanstalk move_jobs`: jobs for another tube."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import click

from ayl import admin
from ayl.cli import completion
from ayl.cli.consent import YES, ask
from ayl.cli.described import counted
from ayl.cli.output import visible
from ayl.cli.requests import Request, command
from ayl.errors import NotConfigured

TO_TUBE = click.Argument(["to_tube"], shell_complete=completion.tubes)

STATE = click.Option(
    ["--state"],
    default="all",
    show_default=True,
    type=click.Choice((*admin.PEEKED, "all")),
    help="Move only the jobs in this state.",
)

TO_SERVER = click.Option(
    ["--to-server"],
    metavar="HOST[:PORT]",
    default="",
    show_default="the same",
    help="The server that the other tube is at; also the path of a Unix socket, or an engine's URL.",
)

DRY_RUN = click.Option(["--dry-run"], is_flag=True, help="Say how many would move; nothing is changed.")


@command(TO_TUBE, STATE, TO_SERVER, DRY_RUN, YES)
def move_jobs(request: Request, to_tube: str, state: str, to_server: str, dry_run: bool, yes: bool) -> None:
    """Move the jobs of a tube to another.

    From the tube given with -t to TO_TUBE, which comes into being if need be. Each job keeps its body, its priority,
    what is left of its delay and its time to run; buried ones arrive buried, in their order. For the server it is a
    new job: its id, its age and what is counted of it begin anew. What a worker holds is left to that worker.

    A job is put into the other tube first, and deleted when the server has confirmed that. So whatever is killed in
    between, none is lost: at worst one is there twice, with the same message id. The command can be run again. It
    asks first. Ctrl-C ends it with what was moved until then.

    \b
    Examples:
      ayl_beanstalk move_jobs -t shop/1.4.2 shop/1.4.3 --dry-run
      ayl_beanstalk move_jobs -t shop/1.4.2 shop/1.4.3
      ayl_beanstalk move_jobs -t shop/1.4.2 shop/held --state buried --yes
      ayl_beanstalk move_jobs -t shop/1.4.2 shop/1.4.2 --to-server queue2.example.org
    """
    server, tube = request.server, request.tube
    to = _elsewhere(request, to_server)
    states = admin.PEEKED if state == "all" else (state,)
    planned = admin.plan_transfer(server, tube, to_tube, states=states, to=to)
    if dry_run:
        request.answer(planned, visible(f"would move {_summary(planned)}"))
        return
    if number := sum(planned.moved.values()):
        ask(f"Move {counted(number)} of {_ways(planned)}", yes)
    done = request.follow(
        admin.transfer(server, tube, to_tube, states=states, to=to),
        lambda so_far: f"moved {sum(so_far.moved.values()):,} of {number:,} …",
        lambda so_far, error: replace(so_far, stopped=str(error)),
    )
    with suppress(admin.ServerUnavailable):
        done = admin.with_rest(server, done)
    request.answer(done, "\n".join(map(visible, _told(done))))
    if done.stayed or done.stopped or done.twice:
        request.refuse()


def _elsewhere(request: Request, place: str) -> admin.Server | None:
    if not place:
        return None
    try:
        named = admin.servers_at(place, timeout=request.server.timeout)
    except (ValueError, NotConfigured) as error:
        raise click.UsageError(visible(str(error))) from error
    if len(named) > 1:
        raise click.UsageError("jobs move to one server")
    return named[0]


def _ways(found: admin.Transfer) -> str:
    """From where to where."""
    there = "" if found.to_server == found.server else f" at {found.to_server}"
    return f"{found.tube} at {found.server} to {found.to_tube}{there}"


def _summary(found: admin.Transfer) -> str:
    states = ", ".join(f"{number:,} {state}" for state, number in found.moved.items() if number)
    return f"{counted(sum(found.moved.values()))} of {_ways(found)}" + (f": {states}" if states else "")


def _told(done: admin.Transfer) -> list[str]:
    lines = [f"moved {_summary(done)}"]
    lines += [f"{counted(number)} stayed: {why}" for why, number in done.stayed.items()]
    if done.twice:
        lines.append(f"{counted(done.twice)} may be done twice: a worker took it just then, and another its copy")
    if done.stopped:
        lines.append(f"not all were looked at: {done.stopped}")
    if done.left is not None:
        left = ", ".join(f"{number:,} {state}" for state, number in done.left.items() if number)
        lines.append(f"left in {done.tube}: {left or 'none'}")
    if any(done.moved.values()):
        lines.append("for the server each is a new job: its id, age and counters begin anew")
    return lines
