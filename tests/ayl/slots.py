"""What a worker runs calls in, for tests that execute jobs without one."""

from __future__ import annotations

import threading

from ayl.worker.deadlines import Deadlines
from ayl.worker.outcomes import fail
from ayl.worker.terms import Slot, Terms


def slot() -> Slot:
    """The only one, which nobody supervises."""
    return Terms(Deadlines(1), threading.Event(), fail).slot(lambda: None)
