"""`ayl_beanstalk kick`, `pause` and their kind: who gets jobs, and when."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ayl import admin
from ayl.cli.described import counted
from ayl.cli.named import IDS, tell_done
from ayl.cli.output import visible
from ayl.cli.requests import Request, command

if TYPE_CHECKING:
    from collections.abc import Sequence


MOST_KICKED = 2**32 - 1


def _bound(text: str) -> int | None:
    if text == "all":
        return None
    if not (text.isascii() and text.isdecimal() and 0 < int(text) <= MOST_KICKED):
        raise click.BadParameter(f"a number from 1 to {MOST_KICKED}, or all, not {text!r}")
    return int(text)


MOST = click.Argument(["most"], metavar="[N|all]", default="1", type=_bound)

SECONDS = click.Argument(["seconds"], metavar="[SECONDS]", default=3600, type=click.IntRange(1, 2**32 - 1))


@command(MOST)
def kick(request: Request, most: int | None) -> None:
    """Make buried or delayed jobs of a tube ready.

    One, N or all. The tube is given with -t, or a pattern for each that matches. It is the protocol's rule that
    buried jobs come first: while a tube has any, no delayed one is kicked, not even by `all`, which is all that are
    there when it begins. Kicked jobs keep their priority, and what they remember of their failures.

    \b
    Examples:
      ayl_beanstalk kick -t shop/1.4.2          the job that was buried first
      ayl_beanstalk kick 100 -t shop/1.4.2
      ayl_beanstalk kick all -t 'shop/*'
    """

    def kicked(server: admin.Server) -> list[admin.Kicked]:
        return request.follow(admin.kick(server, request.tube, most), lambda done: _kicked(done[-1]) if done else "")

    request.answer_tubes(kicked, _kicked)


@command(IDS)
def kick_job(request: Request, ids: Sequence[int]) -> None:
    """Make buried or delayed jobs ready by their ids.

    Their tubes are of no matter. Those that cannot be kicked are told one by one, and the others are.

    \b
    Example:
      ayl_beanstalk kick_job 981 982
    """
    done = request.follow(admin.kick_jobs(request.server, ids), lambda so_far: f"kicked {len(so_far.done):,} …")
    tell_done(request, done, "kicked", "only buried and delayed jobs are kicked")


@command(SECONDS)
def pause(request: Request, seconds: int) -> None:
    """Let no worker get jobs of a tube for a while.

    For an hour, or as many seconds as are given. The tube is given with -t, or a pattern for each that matches.
    Jobs can still be put, and those that run go on. A pause is told in list_tubes, ends with `resume`, and is
    forgotten when the server starts anew or the tube has neither jobs nor clients.

    \b
    Examples:
      ayl_beanstalk pause -t shop/1.4.2
      ayl_beanstalk pause 600 -t 'shop/*'
    """
    request.answer_tubes(lambda server: admin.pause(server, request.tube, seconds), _paused)


@command()
def resume(request: Request) -> None:
    """End the pause of a tube.

    The tube is given with -t, or a pattern for each that matches.

    \b
    Example:
      ayl_beanstalk resume -t 'shop/*'
    """
    request.answer_tubes(lambda server: admin.pause(server, request.tube, 0), _paused)


def _kicked(found: admin.Kicked) -> str:
    if not found.state:
        return visible(f"{found.tube} has no buried and no delayed jobs")
    return visible(f"kicked {counted(found.jobs, found.state)} of {found.tube}")


def _paused(found: admin.Pause) -> str:
    return visible(f"{found.tube} is {f'paused for {found.seconds:,} s' if found.seconds else 'not paused'}")
