"""What a worker process tells its supervisor of itself when somebody asks: plain data, as JSON."""

import json
from collections.abc import Callable, Sequence
from time import monotonic
from typing import Any, Protocol

from ayl import message as messages
from ayl.running import call_name
from ayl.worker.terms import Call

MOST_CALLS = 50
"""The report names so many, those that run longest. With the two limits below it fits into one word of the line."""

LONGEST_CALL = 200
"""Characters of a call that is told."""

LONGEST_TROUBLE = 500


class Slots(Protocol):
    """One, or several over connections of their own."""

    @property
    def trouble(self) -> str:
        """Why no jobs can be taken now; empty if that is not so."""

    @property
    def moved_at(self) -> float:
        """When they have last got on with taking jobs, of the monotonic clock; now while they do not ask for any."""


class Reports:
    """Of one worker process."""

    def __init__(self, slots: Sequence[Slots], running: Callable[[], Sequence[Call]], jobs: Callable[[], int]) -> None:
        """`running`: the calls that run now. `jobs`: how many have ended."""
        self._slots = slots
        self._running = running
        self._jobs = jobs

    def now(self) -> str:
        """The report: JSON, seconds before now."""
        calls = sorted(self._running(), key=lambda call: call.lease.since)
        moved = [slots.moved_at for slots in self._slots]
        report = {
            "jobs": self._jobs(),
            "running": len(calls),
            "calls": [_told(call) for call in calls[:MOST_CALLS]],
            "proved": round(max(0.0, monotonic() - min(moved)), 1) if moved else 0.0,
            "trouble": next((slots.trouble for slots in self._slots if slots.trouble), "")[:LONGEST_TROUBLE],
        }
        return json.dumps(report, ensure_ascii=False)


def _told(call: Call) -> dict[str, Any]:
    text = messages.human(call.message)
    return {
        "id": call.message.id[:LONGEST_CALL],
        "job": call.lease.job_id,
        "name": call_name(call.message)[:LONGEST_CALL],
        "call": text if len(text) <= LONGEST_CALL else text[:LONGEST_CALL] + "…",
        "seconds": round(monotonic() - call.lease.since, 1),
        "progress": call.progress,
    }
