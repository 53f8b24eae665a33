"""What the command line tells the supervisor, in the words of a command: those cost less memory to read than JSON."""

from __future__ import annotations

TYPE_CHECKING = False  # as in the supervisor
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ayl.worker.plan import Plan


class Charge:
    """What it needs to know itself, and the plan of its workers, which it hands on unread."""

    def __init__(self, workers: int, slots: int, grace: float | None, texts: Sequence[str]) -> None:
        self.workers = workers
        """How many processes."""
        self.slots = slots
        """Of each."""
        self.grace = grace
        """As the plan has it; so are the first three of these."""
        self.log_level, self.name, self.status, self.pid_path, self.watched, self.plan = texts
        """`pid_path`: the file that is to hold its number, empty for none. `watched`: the directory whose changes
        restart the workers, empty for none. `plan`: JSON.
        """

    @classmethod
    def of(cls, words: Sequence[str]) -> Charge:
        """Read it."""
        workers, slots, grace, *texts = words
        return cls(int(workers), int(slots), float(grace) if grace else None, texts)


def words(plan: Plan, workers: int, pid_path: str) -> list[str]:
    """Write it."""
    grace = "" if plan.grace is None else repr(plan.grace)
    watched = plan.app_path if plan.reload else ""
    texts = [plan.log_level, plan.name, plan.status, pid_path, watched, plan.to_json()]
    return [str(workers), str(plan.slots), grace, *texts]
