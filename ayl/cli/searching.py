"""`ayl_beanstalk search`: jobs by what is in them."""

from __future__ import annotations

import click

from ayl import admin
from ayl.admin.jobs import STATES
from ayl.cli.described import counted, line
from ayl.cli.output import visible
from ayl.cli.requests import Request, command

TEXT = click.Argument(["text"], metavar="[TEXT]", default="")

OPTIONS = (
    click.Option(["--call"], metavar="PATTERN", default="", help="What stands in the call; * is any text."),
    click.Option(["--id", "message"], metavar="MESSAGE_ID", default="", help="The id of the call's message."),
    click.Option(["--state"], type=click.Choice(STATES), help="Only jobs in this state."),
    click.Option(
        ["--last"],
        metavar="N",
        default=100_000,
        show_default=True,
        type=click.IntRange(1),
        help="How many ids to look at, the newest first.",
    ),
    click.Option(
        ["--newest"],
        metavar="ID",
        default=0,
        show_default="the newest",
        type=click.IntRange(0, 2**64 - 1),
        help="Begin with this job.",
    ),
    click.Option(
        ["--most"], metavar="N", default=100, show_default=True, type=click.IntRange(1), help="End with so many found."
    ),
)


@command(TEXT, *OPTIONS)
def search(
    request: Request, text: str, call: str, message: str, state: str | None, last: int, newest: int, most: int
) -> None:
    """Find jobs by what is in them.

    Jobs with TEXT in the body or in the call as it is shown, in every state, also those that a worker has. With -t
    those of a tube, or of each that the pattern matches; otherwise of all. What is given beside that has to be true,
    too. Nothing is disturbed: jobs are looked at by their ids, from the newest down, until all were seen that the
    server has, or as many ids as --last says. Ctrl-C ends it with what was found until then.

    \b
    Examples:
      ayl_beanstalk search ups -t 'shop/*'
      ayl_beanstalk search --call 'Order.find(42).*' --state buried
      ayl_beanstalk search --state buried -t 'shop/*'   all of them
      ayl_beanstalk search --id 0192d2f0-7d3c-7b4e-a3c1-5d2a7e1f9b60
      ayl_beanstalk search ValueError --newest 500000 --last 500000 --json | jq '.found[].id'
    """
    if not (text or call or message or state):
        raise click.UsageError("say what to look for: a text, --call, --id or --state")
    wanted = admin.Wanted(text, call, message, request.named_tube, (state,) if state else STATES)

    def found(server: admin.Server) -> admin.Search:
        steps = admin.search(server, wanted, newest=newest, last=last, most=most)
        return request.follow(steps, lambda so_far: f"{_seen(so_far)}: {len(so_far.found):,} found …")

    request.answer_each(found, _told)


def _seen(done: admin.Search) -> str:
    return f"looked at {done.looked_at:,} of {counted(done.there)}"


def _told(done: admin.Search) -> str:
    lines = [f"{job.tube} {line(job)}" for job in done.found]
    ids = f", ids {done.oldest:,} to {done.newest:,}" if done.oldest <= done.newest else ""
    cure = "; for others see --last and --newest" if done.looked_at < done.there and not done.enough else ""
    cure = "; for more see --most" if done.enough else cure
    return "\n".join(map(visible, [*lines, f"{counted(len(done.found))} found; {_seen(done)}{ids}{cure}"]))
