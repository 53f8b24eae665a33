"""What is wrong with a worker, told of made-up ones."""

from __future__ import annotations

from typing import Any

import pytest

from ayl.worker.status import SLOW_START_SECONDS, WorkerStatus, troubles

WELL: dict[str, Any] = {"trouble": ""}
TROUBLED: dict[str, Any] = {"trouble": "no server answers"}
DEAF = "process 7 does not answer: perhaps a call does not let go of the interpreter lock"


def worker(state: str = "working", seconds: float = 1.0, report: dict[str, Any] | None = WELL) -> WorkerStatus:
    return {"pid": 7, "state": state, "seconds": seconds, "report": report}


@pytest.mark.parametrize(
    ("state", "places", "workers", "told"),
    [
        ("working", 1, [worker()], []),
        ("working", 2, [worker(), worker()], []),
        ("working", 1, [worker(), worker("starting", report=None)], []),
        ("working", 1, [], ["1 of 1 processes is missing and will be started"]),
        ("working", 3, [worker()], ["2 of 3 processes are missing and will be started"]),
        ("working", 1, [worker("ending")], ["1 of 1 processes is missing and will be started"]),
        ("working", 1, [worker(report=None)], [DEAF]),
        ("working", 1, [worker(report=TROUBLED)], ["process 7: no server answers"]),
        ("working", 1, [worker("starting", SLOW_START_SECONDS, None)], []),
        ("working", 1, [worker("starting", SLOW_START_SECONDS + 1, None)], ["process 7 has not loaded the app yet"]),
        ("quiet", 2, [], []),
        ("quiet", 1, [worker("ending")], []),
        ("stopping", 1, [worker("ending", report=TROUBLED)], []),
        ("stopping", 1, [worker("ending", report=None)], [DEAF]),
    ],
)
def test_what_is_wrong_is_told_and_nothing_else(
    state: str, places: int, workers: list[WorkerStatus], told: list[str]
) -> None:
    assert troubles(state, places, workers) == told
