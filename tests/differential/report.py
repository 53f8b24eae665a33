"""What is told of a run that failed."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from .runs import replay
from .shrinking import Shrinking
from .telling import told

if TYPE_CHECKING:
    from .runs import Outcome
    from .shrinking import Steps

SHORTENING_SECONDS = 60.0
"""Then the shortest so far must do: a test has only so long."""


def complaint(seed: int, steps: int, outcome: Outcome, *, shorten: bool = True) -> str:
    """What was found: the shortest conversation that shows it, and how to have the whole one again."""
    number = len(outcome.entries)
    if shorten and any(entry.wrong for entry in outcome.entries):
        outcome = _shortened(outcome)
    return (
        f"seed {seed}: the servers differ at step {number}; {'shortened, ' if shorten else ''}it is this:\n"
        f"{told(outcome)}\n"
        f"again: .venv/bin/python -m tests.differential --seed {seed} --steps {steps}\n"
    )


def _shortened(outcome: Outcome) -> Outcome:
    """The shortest that differs as well; the same if it does not differ again."""
    give_up = time.monotonic() + SHORTENING_SECONDS

    def differs(trial: Steps) -> bool:
        return time.monotonic() < give_up and not replay(outcome.settings, trial).fair

    short = Shrinking(tuple(outcome.steps), differs).whole()
    again = replay(outcome.settings, short)
    return outcome if again.fair else again
