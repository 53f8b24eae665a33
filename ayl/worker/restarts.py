"""When a worker that died is started again. Pure: times are arguments, in seconds of any clock."""

FIRST_SECONDS = 0.5
"""Between the death of a worker and the start of another in its place."""

MOST_SECONDS = 8.0
"""The same, after it has doubled with each that died early."""

STEADY_SECONDS = 1.0
"""A worker that has lived so long with its app loaded did not die early."""

FAILED_STARTS = 5
"""After so many in a row that died before the app was loaded, there is no hope for the next."""


class Restarts:
    """Of one place: the workers that have it one after the other."""

    def __init__(self) -> None:
        self._early = 0  # that died early, in a row
        self._failed = 0  # ... and before the app was loaded
        self._loaded_at: float | None = None

    def started(self) -> None:
        """A worker has taken the place."""
        self._loaded_at = None

    def loaded(self, now: float) -> None:
        """It has imported the app."""
        self._failed = 0
        self._loaded_at = now

    def died(self, now: float) -> float:
        """It is gone; how many seconds to wait before the next is started."""
        if self._loaded_at is None:
            self._failed += 1
        elif now - self._loaded_at >= STEADY_SECONDS:
            self._early = 0
        wait = min(FIRST_SECONDS * 2.0 ** min(self._early, 16), MOST_SECONDS)
        self._early += 1
        return wait

    @property
    def is_hopeless(self) -> bool:
        """Whether workers die at their start again and again."""
        return self._failed >= FAILED_STARTS
