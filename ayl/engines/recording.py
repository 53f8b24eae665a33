"""The engine for tests: it keeps what was sent, and sends nothing anywhere. `ayl.testing` looks into it."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count

from ayl.engines.base import Engine
from ayl.engines.submissions import Receipt, Submission
from ayl.handle import State


@dataclass(slots=True, eq=False)
class Kept:
    """One message that was sent."""

    job_id: int
    submission: Submission
    ran: bool


class RecordingEngine:
    """Keeps messages in the order in which they were sent. With an engine `inner`, that one takes them all the same."""

    def __init__(self, inner: Engine | None = None) -> None:
        self._inner = inner
        self._lock = threading.Lock()
        self._numbers = count(1)
        self._kept: list[Kept] = []

    def submit(self, submissions: Sequence[Submission]) -> Sequence[Receipt | Exception]:
        with self._lock:
            kept = [Kept(next(self._numbers), submission, self._inner is not None) for submission in submissions]
            self._kept += kept
        if self._inner is not None:
            return self._inner.submit(submissions)
        return [Receipt(State.SUBMITTED, message.job_id) for message in kept]

    def withdraw(self, receipt: Receipt, message_id: str) -> bool:
        with self._lock:
            waiting = self._waiting(receipt)
            if waiting is not None:
                self._kept.remove(waiting)
        return waiting is not None

    def job_state(self, receipt: Receipt, message_id: str) -> str | None:
        with self._lock:
            waiting = self._waiting(receipt)
        if waiting is None:
            return None
        return "delayed" if waiting.submission.delay else "ready"

    def close(self) -> None:
        """Nothing is held."""

    def kept(self) -> list[Kept]:
        """What was sent and not taken back."""
        with self._lock:
            return [*self._kept]

    def take(self) -> Submission | None:
        """The first message that has not been run, which counts as run from now on; None if there is none."""
        with self._lock:
            for message in self._kept:
                if not message.ran:
                    message.ran = True
                    return message.submission
        return None

    def clear(self) -> None:
        """Forget what was sent."""
        with self._lock:
            self._kept.clear()

    def _waiting(self, receipt: Receipt) -> Kept | None:
        return next((kept for kept in self._kept if kept.job_id == receipt.job_id and not kept.ran), None)


OF_THE_PROCESS = RecordingEngine()
"""What `ayl.configure(engine="recording")` puts into use: one, whatever the other settings are."""
