"""What the commands share that take the ids of jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ayl import admin
from ayl.cli import completion
from ayl.cli.described import counted

if TYPE_CHECKING:
    from ayl.cli.requests import Request

IDS = click.Argument(
    ["ids"],
    metavar="ID...",
    nargs=-1,
    required=True,
    type=click.IntRange(0, 2**64 - 1),
    shell_complete=completion.jobs,
)


def tell_done(request: Request, found: admin.Done, what: str, wanted: str) -> None:
    """What was done, and why the rest was not: `wanted` says what state a job would have to be in."""
    request.answer(found, f"{what} {counted(len(found.done))}")
    for job in found.declined:
        gone = admin.NoSuchJob(request.server, job.id)
        request.fail(admin.JobInOtherState(job.id, job.state, wanted) if job.state else gone)
