"""`ayl_beanstalk statistics` and its kind: what goes on in a server."""

from __future__ import annotations

from ayl import admin
from ayl.cli.output import Styled, Value, listing, table
from ayl.cli.requests import Request, command

COLUMNS = ("READY", "RESERVED", "DELAYED", "BURIED", "WORKERS", "AVAILABLE", "BUSY")


@command()
def statistics(request: Request) -> None:
    """The whole server: jobs, workers, and all that it reports.

    A worker is a connection that has ever reserved; available ones wait for a job, busy ones do not.
    """
    found = admin.statistics(request.server)
    totals = table(("TUBES", *COLUMNS), [(found.tubes, *_columns(found.jobs, found.workers))])
    request.answer(found, f"{totals}\n\n{listing(sorted(found.reported.items()))}")


@command()
def list_tubes(request: Request) -> None:
    """All tubes, by name, with their jobs and workers.

    A worker is a connection that watches the tube. Every client watches `default` until it says otherwise, so
    producers are often counted there.
    """
    found = sorted(admin.tubes(request.server), key=lambda tube: tube.name)
    rows = [(tube.name, *_columns(tube.jobs, tube.workers)) for tube in found]
    request.answer(found, table(("TUBE", *COLUMNS), rows))


@command()
def tube_statistics(request: Request) -> None:
    """One tube in full.

    The tube is given with -t. A worker is a connection that watches it. Every client watches `default` until it
    says otherwise, so producers are often counted there.
    """
    found = admin.tube_statistics(request.server, request.tube)
    jobs, workers = found.jobs, found.workers
    facts: list[tuple[str, Value]] = [
        ("tube", found.name),
        ("workers", workers.total),
        ("workers available", workers.available),
        ("workers busy", workers.busy),
        ("ready", _ready(jobs, workers)),
        ("urgent", jobs.urgent),
        ("reserved", jobs.reserved),
        ("delayed", jobs.delayed),
        ("buried", _buried(jobs)),
        ("total", jobs.total),
        ("deletes", found.deletes),
        ("clients using it", found.using),
        ("pauses", found.pauses),
        ("paused for seconds", found.pause),
        ("pause time left", found.pause_time_left),
    ]
    request.answer(found, listing(facts))


def _columns(jobs: admin.Jobs, workers: admin.Workers) -> tuple[Value, ...]:
    states = (_ready(jobs, workers), jobs.reserved, jobs.delayed, _buried(jobs))
    return (*states, workers.total, workers.available, workers.busy)


def _ready(jobs: admin.Jobs, workers: admin.Workers) -> Styled:
    return Styled(jobs.ready, colour="yellow" if jobs.ready and not workers.total else None)


def _buried(jobs: admin.Jobs) -> Styled:
    return Styled(jobs.buried, colour="red" if jobs.buried else None)
