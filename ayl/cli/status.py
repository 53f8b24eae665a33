"""`ayl_worker status`: how a worker is, for people and for health checks."""

import enum
from typing import Any

import click

from ayl.cli.output import Styled, as_json, listing, table, visible
from ayl.worker.inquiries import ask
from ayl.worker.status import Status


class Health(enum.IntEnum):
    """What the command ends with."""

    WELL = 0
    TROUBLED = 1
    """Something is wrong; it says what."""
    USAGE = 2
    """The command line was wrong (click's number)."""
    NOT_RUNNING = 3
    """Nobody answers there (the number that init scripts have for it)."""


@click.command()
@click.argument("paths", metavar="PATH...", envvar="AYL_WORKER_STATUS", nargs=-1, required=True, type=click.Path())
@click.option("--json", "wants_json", is_flag=True, help="One JSON document; of several workers, a list of them.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=5,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for each answer.",
)
@click.pass_context
def status(context: click.Context, paths: tuple[str, ...], wants_json: bool, timeout: float) -> None:
    """Ask workers how they are: their processes, what they run and since when.

    PATH is what one was given with --status; AYL_WORKER_STATUS does for both.

    \b
    Exit codes, of several the highest:
       0  all is well; a worker that was told to be quiet or to stop is well, too
       1  something is wrong: it says what
       2  wrong usage
       3  no worker answers there
    """
    answers = [_answer(path, timeout) for path in paths]
    found = [answer for answer in answers if answer is not None]
    if wants_json and found:
        click.echo(as_json(found if len(paths) > 1 else found[0]))
    elif found:
        click.echo("\n\n".join(map(told, found)))
    context.exit(max(map(_health, answers)))


def _answer(path: str, timeout: float) -> Status | None:
    """None, which is told, if there is none that makes sense."""
    try:
        found: Status = ask(path, timeout)
        told(found)
    except (OSError, ValueError, LookupError, TypeError) as error:
        reason = (isinstance(error, OSError) and error.strerror) or str(error)
        click.echo(f"no worker answers at {visible(path)} ({visible(reason)})", err=True)
        return None
    return found


def _health(found: Status | None) -> Health:
    if found is None:
        return Health.NOT_RUNNING
    return Health.TROUBLED if found["troubles"] else Health.WELL


def told(found: Status) -> str:
    """For people."""
    facts = listing(
        [
            ("worker", f"{found['pid']}, {found['state']}, for {found['seconds']:.0f} s"),
            ("tubes", found["tubes"]),
            ("processes", f"{len(found['workers'])} of {found['places']}"),
            *(("trouble", Styled(trouble, colour="red")) for trouble in found["troubles"]),
        ]
    )
    rows = [
        (worker["pid"], worker["state"], worker["seconds"], *_columns(worker["report"])) for worker in found["workers"]
    ]
    calls = [
        (call["seconds"], worker["pid"], call["job"], call["call"], _progress(call["progress"]))
        for worker in found["workers"]
        for call in (worker["report"] or {"calls": []})["calls"]
    ]
    parts = [facts]
    if rows:
        parts.append(table(("PROCESS", "STATE", "SECONDS", "DONE", "RUNNING", "PROVED"), rows))
    if calls:
        parts.append(table(("SECONDS", "PROCESS", "JOB", "CALL", "PROGRESS"), calls))
    return "\n\n".join(parts)


def _columns(report: dict[str, Any] | None) -> tuple[str, str, str]:
    """Calls done and running, and how long ago a server has last answered."""
    if report is None:
        return "-", "-", "-"
    return str(report["jobs"]), str(report["running"]), f"{report['proved']} s ago"


def _progress(said: float | str | None) -> str:
    return "" if said is None else said if isinstance(said, str) else f"{said:.0%}"
