"""How a worker is, for health checks: what its supervisor knows, and what each process reports. Pure.

The document, which `ayl_worker status --json` prints:

    {"pid": 12, "state": "working", "tubes": "shop/1.4.2", "seconds": 3600.0, "places": 2, "troubles": [],
     "workers": [{"pid": 13, "state": "working", "seconds": 3600.0, "report": {…} or null}, …]}
"""

from collections.abc import Sequence
from typing import Any, TypedDict

SLOW_START_SECONDS = 60.0
"""A process that has not loaded the app after so long is told as a trouble."""


class WorkerStatus(TypedDict):
    """A worker process."""

    pid: int
    state: str
    """`starting` until the app is loaded; `working`; `ending`, when it finishes its calls."""
    seconds: float
    """Since it was started."""
    report: dict[str, Any] | None
    """Its own; None if it did not answer."""


class Status(TypedDict):
    """An `ayl_worker`."""

    pid: int
    state: str
    """`working`; `quiet` or `stopping`, as it was told."""
    tubes: str
    seconds: float
    """Since it was started."""
    places: int
    """For worker processes that are to be there, those that are quiet not counted."""
    troubles: list[str]
    """What is wrong; empty if all is well."""
    workers: list[WorkerStatus]


def troubles(state: str, places: int, workers: Sequence[WorkerStatus]) -> list[str]:
    """What is wrong with a worker. One that is quiet or stopping does as it was told."""
    found = []
    there = [worker for worker in workers if worker["state"] != "ending"]
    missing = places - len(there)
    if state == "working" and missing > 0:
        found.append(f"{missing} of {places} processes {'is' if missing == 1 else 'are'} missing and will be started")
    for worker in workers:
        report = worker["report"]
        name = f"process {worker['pid']}"
        if worker["state"] == "starting":
            if worker["seconds"] > SLOW_START_SECONDS:
                found.append(f"{name} has not loaded the app yet")
        elif report is None:
            found.append(f"{name} does not answer: perhaps a call does not let go of the interpreter lock")
        elif report["trouble"] and worker["state"] == "working":
            found.append(f"{name}: {report['trouble']}")
    return found
