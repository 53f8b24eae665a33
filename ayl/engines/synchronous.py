"""The engine that has no server: each message is run at once, where it is sent."""

from collections.abc import Sequence
from functools import partial

from ayl import message as messages
from ayl.calling import perform
from ayl.engines.query import parameters, seconds
from ayl.engines.submissions import Receipt, Submission
from ayl.errors import NotConfigured
from ayl.handle import State
from ayl.limits import limited


class SynchronousEngine:
    """Runs messages in place. They go through their bytes all the same, so what works here works in a worker.

    What a call raises is its outcome, and comes out of the send; TimeToRunExceeded if it takes longer than its time to
    run. Delays are not waited for.
    """

    def __init__(self, budget: float = float("inf")) -> None:
        """`budget`: seconds that a call may take, whatever its time to run."""
        self._budget = budget

    def submit(self, submissions: Sequence[Submission]) -> list[Receipt | Exception]:
        return [self._run(submission) for submission in submissions]

    def _run(self, submission: Submission) -> Receipt | Exception:
        message = messages.decode(submission.body)
        assert isinstance(message, messages.Message)  # noqa: S101 - it was made by us, a moment ago
        try:
            limited(min(submission.time_to_run, self._budget), partial(perform, message))
        except Exception as error:  # noqa: BLE001 - one call of a batch that fails must not keep the others back
            return error
        return Receipt(State.RAN)

    def withdraw(self, receipt: Receipt, message_id: str) -> bool:
        return False

    def job_state(self, receipt: Receipt, message_id: str) -> str | None:
        return None

    def close(self) -> None:
        """Nothing is held."""


def parse_budget(url: str) -> float:
    """The seconds of `synchronous?budget=SECONDS`; NotConfigured if the URL makes no sense."""
    name, _, query = url.partition("?")
    try:
        if name != "synchronous":
            raise ValueError("use synchronous or synchronous?budget=SECONDS")
        given = parameters(query, ["budget"])
        return seconds("budget", given["budget"]) if given else float("inf")
    except ValueError as error:
        raise NotConfigured(f"cannot understand the engine {url[:200]!r}: {error}") from None
