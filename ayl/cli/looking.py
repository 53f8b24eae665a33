"""`ayl_beanstalk statistics` and its kind: what goes on in a server."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from ayl import admin
from ayl.cli.described import clock
from ayl.cli.output import Styled, Value, listing, table
from ayl.cli.requests import Request, command

COLUMNS = ("READY", "RESERVED", "DELAYED", "BURIED", "WORKERS", "AVAILABLE", "BUSY")


@command()
def statistics(request: Request) -> None:
    """The whole server: jobs, workers, and all that it reports.

    A worker is a connection that has ever reserved; available ones wait for a job, busy ones do not.

    \b
    Examples:
      ayl_beanstalk statistics
      ayl_beanstalk statistics -h queue1,queue2:11301 --json
    """
    request.answer_each(admin.statistics, _of_server)


@command()
def list_tubes(request: Request) -> None:
    """All tubes, by name, with their jobs and workers.

    Those that -t names or matches, if it is given. A worker is a connection that watches the tube. Every client
    watches `default` until it says otherwise, so producers are often counted there. A pause is told with the time that
    is left of it.

    \b
    Examples:
      ayl_beanstalk list_tubes
      ayl_beanstalk list_tubes -t 'shop/*' --json
    """
    request.answer_each(
        lambda server: sorted(admin.tubes(server, request.named_tube), key=lambda tube: tube.name), _rows
    )


@command()
def tube_statistics(request: Request) -> None:
    """One tube in full.

    The tube is given with -t; for a pattern, each that matches. A worker is a connection that watches it. Every
    client watches `default` until it says otherwise, so producers are often counted there.

    \b
    Examples:
      ayl_beanstalk tube_statistics -t shop/1.4.2
      ayl_beanstalk tube_statistics -t 'shop/*' --json
    """
    request.answer_tubes(lambda server: admin.tubes(server, request.tube), _of_tube, "\n\n")


def _of_server(found: admin.ServerStatistics) -> str:
    totals = table(("TUBES", *COLUMNS), [(found.tubes, *_columns(found.jobs, found.workers))])
    return f"{totals}\n\n{listing(sorted(found.reported.items()))}"


def _rows(found: list[admin.TubeStatistics]) -> str:
    rows = [(tube.name, *_columns(tube.jobs, tube.workers), _pause(tube)) for tube in found]
    if len(found) > 1:
        rows.append((f"{len(found):,} tubes", *_columns(_total(found, "jobs"), _total(found, "workers")), ""))
    return table(("TUBE", *COLUMNS, "PAUSED"), rows)


def _total(found: list[admin.TubeStatistics], what: str) -> Any:
    """The same kind of record with the sums of all tubes."""
    records = [getattr(tube, what) for tube in found]
    names = [field.name for field in fields(records[0])]
    return type(records[0])(**{name: sum(getattr(record, name) for record in records) for name in names})


def _pause(tube: admin.TubeStatistics) -> Styled:
    """How long it still is."""
    return Styled(clock(tube.pause_time_left) if tube.pause_time_left else "", colour="yellow")


def _of_tube(found: admin.TubeStatistics) -> str:
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
    return listing(facts)


def _columns(jobs: admin.Jobs, workers: admin.Workers) -> tuple[Value, ...]:
    states = (_ready(jobs, workers), jobs.reserved, jobs.delayed, _buried(jobs))
    return (*states, workers.total, workers.available, workers.busy)


def _ready(jobs: admin.Jobs, workers: admin.Workers) -> Styled:
    return Styled(jobs.ready, colour="yellow" if jobs.ready and not workers.total else None)


def _buried(jobs: admin.Jobs) -> Styled:
    return Styled(jobs.buried, colour="red" if jobs.buried else None)
