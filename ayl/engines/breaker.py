"""When a server that does not answer is left alone, and who tries it again. Pure: the time is an argument.

closed ── failed ──→ open until a moment ── ask, at that moment ──→ one caller probes ── succeeded ──→ closed
                       ↑                                                  │
                       └─────────────────── failed ───────────────────────┘
"""

from enum import Enum


class Leave(Enum):
    """What a caller may do with a server."""

    FREE = "use it"
    PROBE = "find out whether it answers; nobody else does meanwhile"
    NONE = "leave it alone"


class Breaker:
    """Of one server. Times are seconds of any steady clock. Whoever shares it among threads brings the lock."""

    __slots__ = ("_interval", "_lease", "_retry_at", "closed", "generation")

    def __init__(self, interval: float, lease: float) -> None:
        """Leave a server alone for `interval` seconds; a prober has `lease` seconds before another may try."""
        self._interval = interval
        self._lease = lease
        self._retry_at = 0.0
        self.closed = True
        """The server answers, as far as is known: the way it is nearly always, so it is asked for without a call."""
        self.generation = 0
        """Counts its recoveries. A caller keeps the number that it began with, for `failed`."""

    def ask(self, now: float) -> Leave:
        """What this caller may do. Who may probe says `succeeded`, `failed` or `abandoned`."""
        if self.closed:
            return Leave.FREE
        if now < self._retry_at:
            return Leave.NONE
        self._retry_at = now + self._lease
        return Leave.PROBE

    def succeeded(self) -> None:
        """The server has answered."""
        if not self.closed:
            self.closed = True
            self.generation += 1

    def failed(self, generation: int, now: float) -> None:
        """It has not. What began before its last recovery says nothing about it now."""
        if generation == self.generation:
            self.closed = False
            self._retry_at = now + self._interval

    def abandoned(self, now: float) -> None:
        """The prober was called away and knows nothing: the next may try at once."""
        if not self.closed:
            self._retry_at = now

    def seconds_left(self, now: float) -> float:
        """Until somebody may try again."""
        return 0.0 if self.closed else max(0.0, self._retry_at - now)
