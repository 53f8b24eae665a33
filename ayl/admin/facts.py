"""What a server reports of itself and of a tube, with its types."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import greenstalk

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Jobs:
    """How many jobs are in each state."""

    ready: int
    urgent: int
    """Those of the ready jobs whose priority is below 1024."""
    reserved: int
    delayed: int
    buried: int
    total: int
    """Put since the server started, or for one tube since the tube came into being; most are gone again."""


@dataclass(frozen=True, slots=True)
class Workers:
    """How many workers there are, as connections: a worker that reserves on several counts as several.

    On one tube those that watch it, on a whole server those that ever reserved. As every new client watches
    `default` until it says otherwise, all clients that never did are counted there.
    """

    total: int
    available: int
    """Those that wait for a job."""
    busy: int
    """Those that do not: they run a job, here or for another tube that they watch."""


@dataclass(frozen=True, slots=True)
class ServerStatistics:
    """A whole server."""

    version: str
    uptime: int
    """Seconds since it started."""
    draining: bool
    """It takes no new jobs."""
    tubes: int
    connections: int
    """Open ones, with the one that asked."""
    producers: int
    """Connections that ever put a job."""
    workers: Workers
    jobs: Jobs
    max_job_size: int
    """Bytes of one body."""
    reported: dict[str, int | float | str]
    """All that the server said, under its own names."""


@dataclass(frozen=True, slots=True)
class TubeStatistics:
    """One tube. The connection that asked is not counted."""

    name: str
    workers: Workers
    jobs: Jobs
    using: int
    """Clients that put into this tube."""
    deletes: int
    """Jobs deleted since the tube came into being."""
    pauses: int
    """How often it was paused since then."""
    pause: int
    """Seconds for which it was paused, 0 when it is not."""
    pause_time_left: int
    """Seconds until it goes on, 0 when it is not paused."""


def server_statistics(stats: Mapping[str, object]) -> ServerStatistics:
    """What a server has reported of itself. ValueError or KeyError if that is none."""
    report = plain(stats)
    return ServerStatistics(
        version=str(report["version"]),
        uptime=count(report, "uptime"),
        draining=report.get("draining") == "true",
        tubes=count(report, "current-tubes"),
        connections=count(report, "current-connections"),
        producers=count(report, "current-producers"),
        workers=_workers(count(report, "current-workers"), count(report, "current-waiting")),
        jobs=_jobs(report),
        max_job_size=count(report, "max-job-size"),
        reported=report,
    )


def tube_statistics(name: str, stats: Mapping[str, object]) -> TubeStatistics:
    """What it has reported of the tube that was asked for by this name, to a connection that uses and watches none but
    `default`.
    """
    report = plain(stats)
    ours = int(name == greenstalk.DEFAULT_TUBE)  # every new connection uses and watches it: the one that asked, too
    return TubeStatistics(
        name=name,  # not the report's: there a tube "007" reads as a number
        workers=_workers(count(report, "current-watching") - ours, count(report, "current-waiting")),
        jobs=_jobs(report),
        using=count(report, "current-using") - ours,
        deletes=count(report, "cmd-delete"),
        pauses=count(report, "cmd-pause-tube"),
        pause=count(report, "pause"),
        pause_time_left=count(report, "pause-time-left"),
    )


def _workers(total: int, waiting: int) -> Workers:
    return Workers(total=total, available=waiting, busy=total - waiting)


def _jobs(report: Mapping[str, object]) -> Jobs:
    states = ("ready", "urgent", "reserved", "delayed", "buried")
    return Jobs(
        **{state: count(report, f"current-jobs-{state}") for state in states},
        total=count(report, "total-jobs"),
    )


def count(report: Mapping[str, object], key: str) -> int:
    """A number of the report; ValueError or KeyError if it has none there."""
    value = report[key]
    if not isinstance(value, int):
        raise ValueError(f"{key} is {value!r}, not a number")
    return value


# Text even where it looks like a number; a server's id, but not a job's:
_TEXTS = frozenset({"id", "version", "hostname", "os", "platform", "name", "tube"})
_DECIMALS = frozenset({"rusage-utime", "rusage-stime"})


def plain(report: Mapping[str, object]) -> dict[str, int | float | str]:
    """The report with the types its keys call for; greenstalk goes by the looks of each value."""
    return {
        key: str(value) if key in _TEXTS else float(str(value)) if key in _DECIMALS else _int_or_str(value)
        for key, value in report.items()
    }


def _int_or_str(value: object) -> int | str:
    return value if isinstance(value, int) else str(value)
