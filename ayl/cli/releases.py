"""`ayl_beanstalk drain`: whether a release has nothing left to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ayl import admin, settings
from ayl.cli.described import counted
from ayl.cli.output import Styled, table, visible
from ayl.cli.requests import Request, command
from ayl.tubes import app_of

if TYPE_CHECKING:
    from collections.abc import Sequence

VERSION = click.Argument(["version"])

WAIT = click.Option(["--wait"], is_flag=True, help="Look again and again, until nothing is left to do.")

SECONDS = click.Option(
    ["--for", "seconds"],
    metavar="SECONDS",
    default=None,
    show_default="without end",
    type=click.FloatRange(0),
    help="How long to wait at most.",
)

MISSING_OK = click.Option(
    ["--missing-ok"], is_flag=True, help="Take a release for drained if no server has a tube of it."
)


@command(VERSION, WAIT, SECONDS, MISSING_OK)
def drain(request: Request, version: str, wait: bool, seconds: float | None, missing_ok: bool) -> None:
    """Tell what is left to do of a release.

    Of all tubes of VERSION, its lanes included: jobs by state, and the workers that still watch. The app is that of
    the tube given with -t, or the one of AYL_APP or ayl.toml. A release is drained when none of its jobs is ready,
    reserved or delayed. Buried ones do not hold it up, as no worker has them to do.

    The exit code is 0 when nothing at all is left, and 1 if something is, be it buried jobs alone. So a deploy can
    wait for the old release before it stops the old workers.

    A tube is there as long as it has jobs or workers. So a release without tubes may be done long since, or its name
    mistyped: that is refused, unless --missing-ok says that it may be.

    \b
    Examples:
      ayl_beanstalk drain 1.4.1 -t shop
      AYL_APP=shop ayl_beanstalk drain 1.4.1 --wait --for 600 && systemctl stop shop@1.4.1
    """
    app = app_of(request.named_tube) or settings.current().app
    if not app:
        raise click.UsageError("say of which app: -t APP, or AYL_APP")
    if seconds is not None and not wait:
        raise click.UsageError("--for says how long to wait: add --wait")
    if not missing_ok:
        _check_tubes(request.servers, app, version)
    longest = 0 if not wait else float("inf") if seconds is None else seconds

    def looked(server: admin.Server) -> admin.Drain:
        found = request.follow(admin.draining(server, app, version, longest), _left)
        if found.buried or not found.drained:
            request.refuse()
        return found

    request.answer_each(looked, _told)


def _check_tubes(servers: Sequence[admin.Server], app: str, version: str) -> None:
    """NoSuchTube if none of the servers has one of that release; one that does not answer may have."""
    for server in servers:
        try:
            admin.release_tubes(server, app, version)
        except admin.NoSuchTube as error:
            missing = error
        except admin.ServerUnavailable:
            return  # it is asked again, and then told of
        else:
            return
    raise missing


def _left(found: admin.Drain) -> str:
    return f"{found.app}/{found.version}: {_states(found)} …"


def _states(found: admin.Drain) -> str:
    return f"{found.ready:,} ready, {found.reserved:,} reserved, {found.delayed:,} delayed, {found.buried:,} buried"


def _told(found: admin.Drain) -> str:
    name = f"{found.app}/{found.version}"
    if not found.tubes:
        return visible(f"{name} is drained: it has no jobs and no workers")
    rows = [
        (
            tube.name,
            tube.jobs.ready,
            tube.jobs.reserved,
            tube.jobs.delayed,
            Styled(tube.jobs.buried, colour="red" if tube.jobs.buried else None),
            tube.workers.total,
        )
        for tube in found.tubes
    ]
    lines = [table(("TUBE", "READY", "RESERVED", "DELAYED", "BURIED", "WORKERS"), rows)]
    todo = found.ready + found.reserved + found.delayed
    end = "is drained" if found.drained else f"is not drained: {counted(todo)} left to do"
    if found.buried:
        end += f"; {counted(found.buried)} buried: `kick` gives them another chance, or move or delete them"
    lines.append(visible(f"{name} {end}"))
    return "\n".join(lines)
