"""Restart and reload while calls run: none is lost, and there is always somebody to make them."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from itertools import pairwise
from typing import TYPE_CHECKING

import greenstalk

from tests.processes.deadline import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .estate import Estate

CALLS = 10_000


class Capacity:
    """How many workers take jobs from a tube, looked at all the time until no job is left in it."""

    def __init__(self, estate: Estate, tube: str) -> None:
        self._client = estate.server.client()
        self._tube = tube
        self._ended = threading.Event()
        self.least = 1_000_000
        self.looks = 0
        self._thread = threading.Thread(target=self._look)

    def _look(self) -> None:
        while not self._ended.is_set():
            try:
                tube = self._client.stats_tube(self._tube)
            except greenstalk.NotFoundError:  # with the last job and the last worker the tube goes, too
                return
            # Told in one answer with who watches: no moment lies between.
            if not tube["current-jobs-ready"] + tube["current-jobs-reserved"] + tube["current-jobs-delayed"]:
                return
            self.least = min(self.least, int(tube["current-watching"]))
            self.looks += 1

    @contextmanager
    def watched(self) -> Iterator[None]:
        self._thread.start()
        try:
            yield
        finally:
            self._ended.set()
            self._thread.join()
            self._client.close()


def test_restarts_while_ten_thousand_calls_run_lose_none_and_leave_no_gap(estate: Estate) -> None:
    estate.says("start")
    estate.send("1.0", range(CALLS), 0.01)
    capacity = Capacity(estate, "plant/1.0")
    with capacity.watched():
        for _ in range(2):
            assert "2 of 2 processes on plant/1.0" in estate.says("restart")
        assert len(estate.done()) < CALLS, "the restarts came too late to show anything"
        eventually(lambda: estate.has_made(range(CALLS)), estate.logs)
    # A send whose answer was lost is sent again: that is another job. No job is made twice.
    jobs = sorted(estate.jobs())
    assert [job for job, after in pairwise(jobs) if job == after] == [], estate.logs()
    assert "makes no sense" not in estate.logs()
    assert capacity.least >= 2  # each of the two processes, the old ones or the new ones
    assert capacity.looks > 100


def test_a_reload_to_another_version_leaves_the_old_workers_until_their_calls_are_made(estate: Estate) -> None:
    estate.says("start")
    estate.send("1.0", range(CALLS // 2), 0.015)
    estate.release("1.1")
    old = Capacity(estate, "plant/1.0")
    with old.watched():
        assert "2 of 2 processes on plant/1.1" in estate.says("reload")
        estate.send("1.1", range(CALLS // 2, CALLS), 0.003)
        beds = estate.status()["plant.beds"]
        assert [process["state"] for process in beds["facts"]["processes"]] == ["working", "draining"]
        eventually(lambda: estate.has_made(range(CALLS)), estate.logs)
    versions = dict(estate.done())
    assert len({*estate.jobs()}) == len(estate.jobs())
    assert all(versions[number] == ("1.0" if number < CALLS // 2 else "1.1") for number in range(CALLS))
    assert old.least >= 2  # the workers of that release, until its calls were made
    assert old.looks > 100
    eventually(lambda: len(estate.status()["plant.beds"]["facts"]["processes"]) == 1, estate.logs)
