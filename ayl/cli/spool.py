"""`ayl_beanstalk spool`: the calls that wait on this machine because no server answered."""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING

import click

from ayl import settings as configuration
from ayl.cli.described import moment
from ayl.cli.output import Styled, Value, table, visible
from ayl.cli.requests import OPTIONS, Request, command

if TYPE_CHECKING:
    from collections.abc import Callable

    from ayl import spooled

SPOOL = click.Option(
    ["--spool", "directory"],
    envvar="AYL_SPOOL",
    show_envvar=True,
    metavar="DIR",
    default=None,
    show_default="what ayl.toml says, or ~/.local/state/ayl/spool",
    help="The spool's directory.",
)

TO = click.Option(
    ["--to"],
    metavar="URL",
    default="",
    show_default="the server at -h and -p",
    help="Deliver to this engine URL, for Unix sockets and TLS, what was sent to it.",
)

ENGINE = click.Option(
    ["--engine"],
    metavar="URL",
    default="",
    show_default="that of the server",
    help="Deliver what was sent to this engine URL, for a server that has moved.",
)

SET_ASIDE = click.Option(
    ["--set-aside"], is_flag=True, help="Try once more to deliver what was set aside, instead of what waits."
)


@click.group("spool", params=[*OPTIONS], subcommand_metavar="COMMAND [OPTIONS]")
def spool(**_options: object) -> None:
    """Calls that wait on this machine for a server."""


def operation(*options: click.Option) -> Callable[[Callable[..., None]], click.Command]:
    """A command of this group."""

    def decorate(function: Callable[..., None]) -> click.Command:
        made = command(*options)(function)
        spool.add_command(made)
        return made

    return decorate


@operation(SPOOL)
def list(request: Request, directory: str | None) -> None:  # noqa: A001 - the command's name
    """What waits, what was set aside and why, and what cannot be read.

    Nothing is looked up in any database, and nothing is changed.

    \b
    Examples:
      ayl_beanstalk spool list
      ayl_beanstalk spool list --json | jq -r '.calls[].call'
    """
    from ayl import spooled  # with all that reads messages, which the other commands need not wait for

    found = spooled.contents(_directory(directory))
    waiting = [
        (moment(call.spooled), call.id, call.tube, moment(call.due), call.size, call.call)
        for call in found.calls
        if not call.set_aside
    ]
    text = [table(("SPOOLED", "ID", "TUBE", "DUE", "BYTES", "CALL"), waiting)]
    text.append(f"{len(waiting):,} calls wait in {visible(found.directory)}, which takes {found.bytes:,} bytes")
    aside = [
        (moment(call.spooled), call.id, call.tube, Styled(call.set_aside, colour="red"), call.call)
        for call in found.calls
        if call.set_aside
    ]
    if aside:
        text += ["", "Set aside:", table(("SPOOLED", "ID", "TUBE", "REASON", "CALL"), aside)]
    if found.unreadable:
        text += ["", "Not readable, and kept:", table(("FILE", "BYTES", "DAMAGED"), map(_unreadable, found.unreadable))]
    request.answer(found, "\n".join(text))


@operation(SPOOL, TO, ENGINE, SET_ASIDE)
def drain(request: Request, directory: str | None, to: str, engine: str, set_aside: bool) -> None:
    """Deliver to the server, now, what waits for it, in order.

    The server is given with -h and -p, or with --to. What waits for another one is left and told of. What the server
    refuses for good is set aside with its reason and keeps nothing else waiting. Ctrl-C ends it with what was delivered
    until then.

    \b
    Examples:
      ayl_beanstalk spool drain
      ayl_beanstalk spool drain -h queue2 --engine beanstalk://queue1:11300
    """
    from ayl import spooled  # as above

    steps = spooled.drain(request.server, _directory(directory), to=to, engine=engine, set_aside=set_aside)
    done = request.follow(steps, _delivered, lambda so_far, _error: so_far)
    lines = [_delivered(done)]
    lines += [
        f"{count:,} wait for {visible(url)}; if that server has moved here: --engine {visible(quote(url))}"
        for url, count in done.elsewhere.items()
    ]
    request.answer(done, "\n".join(lines))
    if done.set_aside:
        request.refuse()


def _delivered(done: spooled.Delivery) -> str:
    return f"delivered {done.delivered:,}, set aside {done.set_aside:,}, still waiting {done.left:,}"


def _directory(given: str | None) -> str:
    return given or configuration.current().spool_directory()


def _unreadable(file: spooled.UnreadableFile) -> tuple[Value, ...]:
    places = ", ".join(f"{start}-{end}" for start, end in file.damaged)
    return (file.name, file.bytes, Styled(places or "written by a later release", colour="red"))
