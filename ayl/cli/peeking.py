"""`ayl_beanstalk peek_job` and its kind: single jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ayl import admin
from ayl.cli.described import abridged, clock, line, moment
from ayl.cli.named import IDS
from ayl.cli.output import Value, listing, visible
from ayl.cli.requests import Request, command

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

RAW = click.Option(["--raw"], is_flag=True, help="The body of one job as it is, byte for byte, and nothing else.")


@command(IDS)
def job_statistics(request: Request, ids: Sequence[int]) -> None:
    """All that is known of jobs.

    What the server counts, and what stands in the body: the call, how often it has failed or killed its worker, and
    why. Job ids are those that the server has given; list_tubes and the peek commands show some.

    \b
    Examples:
      ayl_beanstalk job_statistics 981
      ayl_beanstalk job_statistics 981 982 --json | jq -r '.[].body.why'
    """
    _tell(request, ids, "\n", _in_full)


@command(IDS, RAW)
def peek_job(request: Request, ids: Sequence[int], raw: bool) -> None:
    """Show jobs, a line for each.

    Their tubes and states are of no matter. The number, the state, how long ago the job was put (of a delayed
    one: how long until it is ready; of a reserved one: until its lease ends), and the call.

    \b
    Examples:
      ayl_beanstalk peek_job 981 982
      ayl_beanstalk peek_job 981 --raw > body
    """
    if not raw:
        _tell(request, ids, "", line)
        return
    if len(ids) > 1:
        raise click.UsageError("--raw shows one job, for nothing tells where the next begins")
    click.echo(admin.body(request.server, ids[0]), nl=False)


@command()
def peek_ready(request: Request) -> None:
    """Show the ready job of a tube that is next.

    The tube is given with -t; a pattern shows that of each tube. A worker may have it a moment later.

    \b
    Example:
      ayl_beanstalk peek_ready -t shop/1.4.2
    """
    _peek(request, "ready")


@command()
def peek_delayed(request: Request) -> None:
    """Show the delayed job of a tube that is ready next.

    The tube is given with -t; a pattern shows that of each tube.

    \b
    Example:
      ayl_beanstalk peek_delayed -t 'shop/*'
    """
    _peek(request, "delayed")


@command()
def peek_buried(request: Request) -> None:
    """Show the job of a tube that was buried first.

    The tube is given with -t; a pattern shows that of each tube. It is the one that kick would make ready.

    \b
    Example:
      ayl_beanstalk peek_buried -t 'shop/*'
    """
    _peek(request, "buried")


def _tell(request: Request, ids: Sequence[int], between: str, shown: Callable[[admin.Job], str]) -> None:
    missing = dict.fromkeys(ids)
    told: list[admin.Job] = []
    for number, job in enumerate(admin.find_jobs(request.server, ids)):
        missing.pop(job.id, None)
        if request.as_json:
            told.append(job)
        else:  # at once: there may be many, and large ones
            click.echo(f"{between if number else ''}{shown(job)}")
    if request.as_json:
        request.answer(told, "")
    for job_id in missing:
        request.fail(admin.NoSuchJob(request.server, job_id))


def _peek(request: Request, state: str) -> None:
    request.answer_tubes(lambda server: admin.peek(server, request.tube, state), _of_tube)


def _of_tube(found: admin.Peek) -> str:
    if found.job is None:
        return visible(f"no {found.state} job in {found.tube}")
    return line(found.job)


def _in_full(job: admin.Job) -> str:
    facts: list[tuple[str, Value]] = [
        ("job", job.id),
        ("tube", job.tube),
        ("state", job.state),
        ("age", clock(job.age)),
        ("time left", clock(job.time_left)),
        ("priority", job.priority),
        ("delay", job.delay),
        ("time to run", job.time_to_run),
        ("reserves", job.reserves),
        ("timeouts", job.timeouts),
        ("releases", job.releases),
        ("buries", job.buries),
        ("kicks", job.kicks),
        ("binlog file", job.file),
    ]
    if (body := job.body) is not None:
        facts.append(("bytes", body.size))
        facts += (
            [("no call", body.problem), ("body", abridged(body.text))]
            if body.problem
            else [
                ("call", body.call),
                ("message", body.message),
                ("sent", moment(body.sent)),
                ("tries", body.tries),
                ("kills", body.kills),
                ("why", body.why),
            ]
        )
    return listing(facts)
