"""The engine that has no server: each message is run at once, where it is sent."""

from collections.abc import Sequence

from ayl import message as messages
from ayl.calling import perform
from ayl.engines.base import Receipt, Submission
from ayl.handle import State


class SynchronousEngine:
    """Runs messages in place. They go through their bytes all the same, so what works here works in a worker.

    What the call raises comes out of the send. Delays are not waited for.
    """

    def submit(self, submissions: Sequence[Submission]) -> list[Receipt]:
        failure: Exception | None = None
        for submission in submissions:
            message = messages.decode(submission.body)
            assert isinstance(message, messages.Message)  # noqa: S101 - it was made by us, a moment ago
            try:
                perform(message)
            except Exception as error:  # noqa: BLE001 - one call of a batch that fails must not keep the others back
                failure = failure or error
        if failure is not None:
            raise failure
        return [Receipt(State.RAN)] * len(submissions)

    def withdraw(self, receipt: Receipt, message_id: str) -> bool:
        return False

    def job_state(self, receipt: Receipt) -> str | None:
        return None

    def close(self) -> None:
        """Nothing is held."""
