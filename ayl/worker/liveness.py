"""A worker process that cannot go on ends, for its supervisor to replace it.

Every connection on which a slot waits for a job proves itself: the server is asked anew every few seconds, and must
answer. One that does not is closed and dialled again, for as long as it takes: a server that is away is no reason to
end. What is left are waits that nothing ends, such as the resolver's for a name, and threads of ours that have died.
"""

import faulthandler
import logging
import sys
import threading
from collections.abc import Callable, Sequence
from time import monotonic, sleep
from typing import Protocol

log = logging.getLogger("ayl.worker")

TIMEOUTS = 12
"""A slot is stuck that has not got on for so many timeouts: an idle connection proves itself every four of them."""

LEAST_SECONDS = 60.0
"""... but not before that."""

LOOKS = 4
"""In this time."""

LAST_SECONDS = 2.0
"""For what a process still does that is to end."""

OURS = "ayl "
"""The names of our threads begin so."""


class Slots(Protocol):
    """One, or several over connections of their own."""

    @property
    def moved_at(self) -> float:
        """When they have last got on with taking jobs, of the monotonic clock; now while they do not ask for any."""

    def give_back(self) -> bool:
        """At once, all that is in hand."""


class Liveness:
    """Of one worker process."""

    def __init__(self, slots: Sequence[Slots], timeout: float, end: Callable[[], object]) -> None:
        """`timeout`: seconds that a server has for an answer. `end` ends the process."""
        self._slots = slots
        self._limit = max(LEAST_SECONDS, TIMEOUTS * timeout)
        self._end = end

    def begin(self) -> None:
        """From now on, in a thread that ends with the process."""
        others = threading.excepthook

        def died(args: threading.ExceptHookArgs) -> None:
            others(args)
            if args.thread is not None and args.thread.name.startswith(OURS):
                self._give_up(f"the thread {args.thread.name!r} has died ({args.exc_value!r})")

        threading.excepthook = died
        threading.Thread(target=self._watch, name="ayl liveness", daemon=True).start()

    def is_stuck(self, now: float) -> bool:
        """Whether a slot has waited for a server without end."""
        return any(now - slots.moved_at > self._limit for slots in [*self._slots])

    def _watch(self) -> None:
        while not self.is_stuck(monotonic()):
            sleep(self._limit / LOOKS)
        self._give_up(f"a slot has waited for a server for more than {self._limit:g} s, and nothing ends that")

    def _give_up(self, reason: str) -> None:
        log.critical("this process ends, for it cannot go on: %s", reason)
        faulthandler.dump_traceback(sys.stderr, all_threads=True)
        # Not here: what is stuck may hold what is needed for that.
        giver = threading.Thread(target=self._give_back, name="gives back", daemon=True)
        giver.start()
        giver.join(LAST_SECONDS)
        self._end()

    def _give_back(self) -> None:
        for slots in [*self._slots]:
            slots.give_back()
