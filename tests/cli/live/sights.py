"""Looks as a server might have given them."""

from __future__ import annotations

from ayl.admin import Jobs, ServerStatistics, TubeStatistics, Workers
from ayl.admin.onlooker import Look, SeenTube, change

AT = 1793000000.0
"""When they were made."""


def tube(
    name: str, *, ready: int = 0, buried: int = 0, workers: int = 0, deletes: int = 0, pause: int = 0
) -> TubeStatistics:
    jobs = Jobs(ready=ready, urgent=0, reserved=0, delayed=0, buried=buried, total=ready + buried + deletes)
    return TubeStatistics(name, Workers(workers, workers, 0), jobs, 0, deletes, 0, pause, pause)


def look(*tubes: TubeStatistics, before: tuple[TubeStatistics, ...] = (), server: str = "one:11300") -> Look:
    """Two seconds after the look `before`."""
    known = {one.name: one for one in before}
    jobs = Jobs(sum(one.jobs.ready for one in tubes), 0, 0, 0, sum(one.jobs.buried for one in tubes), 0)
    found = ServerStatistics("1.13", 3700, False, len(tubes), 7, 1, Workers(3, 2, 1), jobs, 65535, {})
    return Look(server, AT, "", found, [SeenTube(one, change(known.get(one.name), one, 2.0)) for one in tubes])


def away(server: str = "two:11300") -> Look:
    return Look(server, AT, f"no server at {server} (connection refused)")
