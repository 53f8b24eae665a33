"""What became of jobs that are no success: all put first, then drained by one worker, then looked at one by one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import greenstalk

from ayl.failures import GONE_RETRY_SECONDS
from ayl.life import NEW
from tests.processes.deadline import eventually

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ayl.life import Life

    from .workshop import Entry, Supervisor, Workshop

GONE = "gone"
"""The state of a job that the server has no more."""


@dataclass(frozen=True)
class Ending:
    """Where one job has come to rest."""

    state: str
    """As in stats-job, or gone."""
    job: Mapping[str, object]
    """All of its stats-job; empty when it is gone."""
    life: Life
    """What it remembers."""
    log: list[str]
    """What the worker said of it."""
    runs: list[Entry]
    """Who made its call, one entry per try."""


class Aftermath:
    """Watches jobs until each has come to rest, or has been tried more often than it should."""

    def __init__(self, workshop: Workshop, supervisor: Supervisor, tries: Mapping[int, int]) -> None:
        self.workshop = workshop
        self.supervisor = supervisor
        self.tries = tries
        self.last_seen: dict[int, Mapping[str, object]] = {}

    def await_rest(self) -> None:
        """Return when no job moves any more."""
        eventually(self._all_rest, self.workshop.told)

    def _all_rest(self) -> bool:
        resting = [self._rests(job_id) for job_id in self.tries]  # each is looked at, whatever the others do
        return all(resting)

    def _rests(self, job_id: int) -> bool:
        if job_id in self.last_seen:
            return True
        job = self.workshop.look(job_id)
        if job is None:
            self.last_seen[job_id] = {"state": GONE}
        elif job["state"] == "buried" or (job["state"] == "delayed" and job["delay"] > GONE_RETRY_SECONDS):
            self.last_seen[job_id] = {**job}
        elif len(self.workshop.heirs(job_id)) + job["reserves"] > self.tries[job_id] + 1:
            # Tried too often: taken out, so that it does not keep the worker from the others.
            try:
                self.workshop.client.delete(job["id"])
            except greenstalk.NotFoundError:
                return False  # it is being tried just now
            self.last_seen[job_id] = {**job, "state": "tried too often"}
        return job_id in self.last_seen

    def ending(self, job_id: int, word: str = "") -> Ending:
        """Where the job has come to rest; `word` is what its call writes into the diary."""
        seen = self.last_seen[job_id]
        lines = rf"\bjob ({'|'.join(map(str, self.workshop.heirs(job_id)))}) "
        if seen["state"] in ("buried", "delayed"):  # the worker tells of it after it has settled
            eventually(lambda: self.supervisor.logs(lines + ".*(buried:|comes back)"), self.workshop.told)
        return Ending(
            state=str(seen["state"]),
            job=seen,
            life=NEW if seen["state"] == GONE else self.workshop.life(int(str(seen["id"]))),
            log=self.supervisor.logs(lines),
            runs=[entry for entry in self.workshop.diary() if entry.word == word],
        )
