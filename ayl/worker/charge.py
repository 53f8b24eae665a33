"""What the command line tells the supervisor, in the words of a command: those cost less memory to read than JSON."""

from __future__ import annotations

TYPE_CHECKING = False  # as in the supervisor
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ayl.worker.plan import Plan


class Charge:
    """What it needs to know itself, and the plan of its workers, which it hands on unread."""

    def __init__(
        self, workers: int, slots: int, grace: float | None, log_level: str, status: str, watched: str, plan: str
    ) -> None:
        self.workers = workers
        """How many processes."""
        self.slots = slots
        """Of each."""
        self.grace = grace
        self.log_level = log_level
        self.status = status
        """As the plan has these three."""
        self.watched = watched
        """The directory whose changes restart the workers; empty for none."""
        self.plan = plan
        """JSON."""

    @classmethod
    def of(cls, words: Sequence[str]) -> Charge:
        """Read it."""
        workers, slots, grace, log_level, status, watched, plan = words
        return cls(int(workers), int(slots), float(grace) if grace else None, log_level, status, watched, plan)


def words(plan: Plan, workers: int) -> list[str]:
    """Write it."""
    grace = "" if plan.grace is None else repr(plan.grace)
    watched = plan.app_path if plan.reload else ""
    return [str(workers), str(plan.slots), grace, plan.log_level, plan.status, watched, plan.to_json()]
