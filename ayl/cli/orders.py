"""`ayl_beanstalk kill_worker` and its kind: a word to the workers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ayl import admin, settings
from ayl.cli.output import visible
from ayl.cli.requests import Request, command

if TYPE_CHECKING:
    from collections.abc import Callable

COUNT = click.Argument(["count"], metavar="[N]", default=1, type=click.IntRange(1, 1000))


@command(COUNT)
def kill_worker(request: Request, count: int) -> None:
    """Ask one worker of a tube to exit.

    Or so many. The tube is given with -t, or a pattern for each that matches and has workers; when no worker watches
    it, the request is refused. The request is a job of the highest priority. The first worker that is free takes it,
    so no call is cut short; its supervisor does not replace that worker. Where the app's messages are signed, this one
    has to be, too: run the command with the app's AYL_SECRETS, or where its ayl.toml is.

    \b
    Examples:
      ayl_beanstalk kill_worker -t shop/1.4.2
      ayl_beanstalk kill_worker 3 -t 'shop/1.3.*'
    """
    _order(request, count, admin.kill_worker, "to exit")


@command(COUNT)
def quiet_worker(request: Request, count: int) -> None:
    """Ask one worker of a tube to take no more jobs.

    As kill_worker, but its supervisor keeps the place, and starts a worker there when it is told to resume (SIGCONT
    or SIGUSR2), or is started anew itself.

    \b
    Example:
      ayl_beanstalk quiet_worker -t shop/1.4.2
    """
    _order(request, count, admin.quiet_worker, "to be quiet")


@command(COUNT)
def restart_worker(request: Request, count: int) -> None:
    """Have one worker of a tube replaced.

    As kill_worker, but its supervisor starts another, with the code as it is now; the old one exits when the new one
    is connected, and stays if that fails.

    \b
    Example:
      ayl_beanstalk restart_worker -t shop/1.4.2
    """
    _order(request, count, admin.restart_worker, "to be replaced")


def _order(request: Request, count: int, order: Callable[..., list[admin.WorkerOrder]], what: str) -> None:
    if not request.named_tube:
        # Every client watches `default` until it says otherwise, so a request there might wait for the first
        # worker that ever comes.
        raise click.UsageError(f"say whose worker: {click.get_current_context().info_name} -t TUBE")

    def ask(server: admin.Server) -> list[admin.WorkerOrder]:
        return order(server, request.tube, settings.current().secrets, count=count)

    request.answer_tubes(ask, lambda found: _told(found, what), several=count > 1)


def _told(found: admin.WorkerOrder, what: str) -> str:
    whom = "the worker" if found.workers.total == 1 else f"one of {found.workers.total} workers"
    when = "" if found.workers.available else " as soon as it is free"
    how = "signed" if found.signed else "not signed: a worker with secrets will bury it"
    return visible(f"asked {whom} of {found.tube} {what}{when} (job {found.job}, {how})")
