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
@click.argument("path", envvar="AYL_WORKER_STATUS")
@click.option("--json", "wants_json", is_flag=True, help="One JSON document.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=5,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for the answer.",
)
@click.pass_context
def status(context: click.Context, path: str, wants_json: bool, timeout: float) -> None:
    """Ask a worker how it is: its processes, what they run and since when.

    PATH is what it was given with --status; AYL_WORKER_STATUS does for both.

    \b
    Exit codes:
       0  all is well; a worker that was told to be quiet or to stop is well, too
       1  something is wrong: it says what
       2  wrong usage
       3  no worker answers there
    """
    try:
        found: Status = ask(path, timeout)
        text = as_json(found) if wants_json else told(found)
        health = Health.TROUBLED if found["troubles"] else Health.WELL
    except (OSError, ValueError, LookupError, TypeError) as error:
        reason = (isinstance(error, OSError) and error.strerror) or str(error)
        click.echo(f"no worker answers at {visible(path)} ({visible(reason)})", err=True)
        context.exit(Health.NOT_RUNNING)
    click.echo(text)
    context.exit(health)


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
