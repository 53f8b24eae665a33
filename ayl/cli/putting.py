"""`ayl_beanstalk put_job` and its kind: new jobs."""

from __future__ import annotations

import os
import sys

import click

from ayl import admin, settings
from ayl.admin.findings import many
from ayl.cli.requests import Request, command

U32 = click.IntRange(0, 2**32 - 1)

BODY = click.Argument(["body"], metavar="BODY")

OPTIONS = (
    click.Option(["--priority"], metavar="N", default=512, show_default=True, type=U32, help="0 is the most urgent."),
    click.Option(
        ["--delay"], metavar="SECONDS", default=0, show_default=True, type=U32, help="Before a worker may have it."
    ),
    click.Option(
        ["--time-to-run"],
        metavar="SECONDS",
        default=120,
        show_default=True,
        type=click.IntRange(1, 2**32 - 1),
        help="How long a worker may hold it.",
    ),
)

SECONDS = click.Argument(["seconds"], metavar="[SECONDS]", default=20, type=click.IntRange(0, 86400))


@command(BODY, *OPTIONS)
def put_job(request: Request, body: str, priority: int, delay: int, time_to_run: int) -> None:
    """Put a job with this body, as it is, into a tube.

    The tube is given with -t. A `-` for the body takes standard input, byte for byte; a `--` goes before one that
    begins with a dash. Workers of ayl bury what is no message of theirs; put_ayl_job makes one.

    \b
    Examples:
      ayl_beanstalk put_job -t mail 'to: all' --delay 60
      ayl_beanstalk peek_job 981 --raw | ayl_beanstalk -t other put_job -
    """
    content = sys.stdin.buffer.read() if body == "-" else os.fsencode(body)
    found = admin.put(request.server, request.tube, content, priority=priority, delay=delay, time_to_run=time_to_run)
    request.answer(found, f"put job {found.job} into {found.tube} ({many(found.size, 'byte')})")


@command(SECONDS)
def put_sleep_job(request: Request, seconds: int) -> None:
    """Put a call that keeps a worker busy and does nothing.

    For 20 seconds, or as many as are given. The tube is given with -t. So it can be seen that workers are there and
    take what comes. Where the app's messages are signed, this one has to be, too: run the command with the app's
    AYL_SECRETS, or where its ayl.toml is.

    \b
    Example:
      ayl_beanstalk put_sleep_job 5 -t shop/1.4.2
    """
    if not request.named_tube:
        raise click.UsageError("say whose worker: put_sleep_job -t TUBE")
    found = admin.put_sleep(request.server, request.tube, seconds, settings.current().secrets)
    request.answer(found, f"put job {found.job} into {found.tube}: it keeps a worker busy for {seconds:,} s")
