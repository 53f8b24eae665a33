"""What `ps` and `top` show of a process, if the library setproctitle is there: the extra `ayl[titles]`."""

import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ayl import message as messages
from ayl.worker.proctitle import setter

if TYPE_CHECKING:
    from ayl.worker.elsewhere import Call

LOOK_SECONDS = 0.2
"""Between two looks at what runs. So a title costs no call anything, and tells of those that take longer."""

LONGEST = 200
"""Characters of a call."""

IDLE = "idle"


def told(running: "Sequence[Call]") -> str:
    """Of a worker process with these calls: the one that runs longest, and how many there are."""
    if not running:
        return IDLE
    text = messages.human(min(running, key=lambda call: call.lease.since).message)
    text = text if len(text) <= LONGEST else text[:LONGEST] + "…"
    return text if len(running) == 1 else f"{len(running)} calls, {text}"


class Titles:
    """Of a worker process: a thread that looks while there is anything to see."""

    def __init__(self, running: "Callable[[], Sequence[Call]]", show: Callable[[str], None]) -> None:
        """`running`: the calls that run now."""
        self._running = running
        self._show = show
        self._bell = threading.Event()
        self.is_asleep = True
        """Whether the next call is to ring."""
        show(IDLE)
        threading.Thread(target=self._watch, name="ayl titles", daemon=True).start()

    def ring(self) -> None:
        """A call has begun."""
        self.is_asleep = False
        self._bell.set()

    def _watch(self) -> None:
        shown = IDLE
        while True:
            self._bell.wait()
            self._bell.clear()
            time.sleep(LOOK_SECONDS)
            now = told(self._running())
            if now != shown:
                self._show(shown := now)
            if now != IDLE:
                self._bell.set()
            else:
                self.is_asleep = True
                if self._running():  # it began in between, and has not rung
                    self.ring()


def shown(running: "Callable[[], Sequence[Call]]", name: str) -> Titles | None:
    """The titles of a process of the worker with that name, if there can be any."""
    show = setter(name)
    return None if show is None else Titles(running, show)
