"""The engine `thread` tells hooks what a worker would."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import ayl
from ayl import delivery
from ayl.notifications import BuryEvent, FailureEvent
from tests.ayl.conftest import wait_until

if TYPE_CHECKING:
    import pytest


@ayl.task("threads.fail")
def fail(carrier: str) -> None:
    raise ValueError(f"no {carrier}")


@ayl.task("threads.fine")
def fine() -> None: ...


def test_a_call_that_fails_in_a_thread_is_told_as_by_a_worker(heard: list[Any]) -> None:
    ayl.configure(app="shop", version="2", engine="thread")
    handle = ayl.opts(failed_job_count=2, failed_job_delay=0).send(fail, "ups")
    wait_until(lambda: len(heard) == 3)
    assert [(type(event), event.tries) for event in heard] == [(FailureEvent, 1), (FailureEvent, 2), (BuryEvent, 2)]
    assert [event.fate for event in heard[:2]] == ["retried", "buried"]
    assert {(event.call, event.message_id, event.app, event.tube, event.job_id) for event in heard} == {
        ("threads.fail('ups')", handle.id, "shop", "shop/2", None)
    }
    assert str(heard[1]) == "threads.fail('ups') failed (try 2), was buried: ValueError: no ups"
    assert str(heard[2]) == "threads.fail('ups') was buried (after 2 tries, and no server has it): ValueError: no ups"


def test_a_hook_that_fails_keeps_no_other_call_back(caplog: pytest.LogCaptureFixture) -> None:
    @ayl.on_failure
    def fails(_event: object) -> None:
        raise SystemExit(1)

    ayl.configure(app="shop", version="2", engine="thread")
    for _ in range(2):
        ayl.opts(failed_job_handler="delete").send(fail, "ups")
    delivery.close()  # when all has been run
    assert sum("hook" in record.getMessage() for record in caplog.records) == 2


def test_what_went_well_is_no_news(heard: list[Any]) -> None:
    ayl.configure(app="shop", version="2", engine="thread")
    ayl.send(fine)
    delivery.close()
    assert heard == []
