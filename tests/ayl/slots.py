"""What a worker runs calls in, for tests that execute jobs without one."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from ayl.worker.deadlines import Deadlines
from ayl.worker.outcomes import fail
from ayl.worker.terms import Slot, Terms

if TYPE_CHECKING:
    from collections.abc import Callable


def slot(lighten: Callable[[], object] = lambda: None) -> Slot:
    """The only one, which nobody supervises. `lighten`: gives back what else is in its hand."""
    terms = Terms(Deadlines(1), threading.Event(), fail)
    terms.alone.join()
    return terms.slot(lighten)
