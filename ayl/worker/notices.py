"""What a supervisor tells systemd, or its keeper: that all its places have workers, how many they are, which tubes they
serve, that it stops; and signs of life, as long as its loop goes round.
"""

from __future__ import annotations

from math import inf

TYPE_CHECKING = False  # as in the supervisor
if TYPE_CHECKING:
    from ayl.systemd import Notifier
    from ayl.worker.journal import Journal

RETRY_SECONDS = 0.5
"""Between two tries while there is no room for what is to be told."""

FIRST_EXTENSION_SECONDS = 1.0
"""After the app is loaded."""

EXTENSION_SECONDS = 60
"""How much longer whoever waits for us to be ready is asked to wait, as long as the app is loaded and a server is away:
to be started anew would make nobody connect sooner.
"""

LONGEST_TUBES = 200
"""Characters of tubes in what people read."""


class Standing:
    """How a supervisor is, at one moment."""

    def __init__(
        self, state: str, connected: int, processes: int, places: int, silent: int, tubes: str, engine: str
    ) -> None:
        self.state = state
        """`working`, `restarting`, `quiet` or `stopping`."""
        self.connected = connected
        """Workers that watch their tubes, those that end not counted."""
        self.processes = processes
        """All workers."""
        self.places = places
        """For workers, those that are quiet counted."""
        self.silent = silent
        """Places whose workers were ordered to be quiet."""
        self.tubes = tubes
        """With commas between, as workers report them; empty until one has."""
        self.engine = engine


class Notices:
    """Of one supervisor. What was told is not told again."""

    def __init__(self, notifier: Notifier, log: Journal) -> None:
        self._notifier = notifier
        self._log = log
        self._told: dict[str, str] = {}
        self._is_ready = False
        self._trouble = ""
        self._beat_at = 0.0 if notifier.watchdog else inf
        self._retry_at = inf
        self._extend_at = inf
        self._complain()

    @property
    def due(self) -> float:
        """When to look at the latest, seconds of the monotonic clock."""
        return min(self._beat_at, self._retry_at, self._extend_at)

    def look(self, now: float, standing: Standing) -> None:
        """Tell what is new."""
        needed = standing.places - standing.silent
        if standing.state in ("working", "restarting") and 0 < needed <= standing.connected:
            self._is_ready = True
        facts = told(standing, is_ready=self._is_ready)
        news = {name: value for name, value in facts.items() if self._told.get(name) != value}
        self._told |= news
        self._notifier.tell(news)
        self._extend(now, standing)
        if now >= self._beat_at:
            self._notifier.alive()
            self._beat_at = now + self._notifier.watchdog / 2
        self._retry_at = now + RETRY_SECONDS if self._notifier.is_full else inf
        self._complain()

    def _extend(self, now: float, standing: Standing) -> None:
        if self._is_ready or standing.state != "working" or not standing.tubes:
            self._extend_at = inf
        elif self._extend_at == inf:
            self._extend_at = now + FIRST_EXTENSION_SECONDS
        elif now >= self._extend_at:
            self._notifier.tell({"EXTEND_TIMEOUT_USEC": str(EXTENSION_SECONDS * 1_000_000)})
            self._extend_at = now + EXTENSION_SECONDS / 3

    def _complain(self) -> None:
        """Of what keeps us from telling, once."""
        if self._notifier.trouble != self._trouble:
            self._trouble = self._notifier.trouble
            self._log.warning("%s", self._trouble)


def told(standing: Standing, *, is_ready: bool) -> dict[str, str]:
    """What is said of that, by the names that systemd has for it. Pure."""
    facts = {}
    if is_ready:
        # Whoever replaces one release by another must know, when the next is ready, whether it has the same tubes.
        facts["X_AYL_TUBES"] = " ".join(standing.tubes.split(", "))
        facts["X_AYL_ENGINE"] = standing.engine
        facts["READY"] = "1"
    if standing.state == "stopping":
        facts["STOPPING"] = "1"
    facts["STATUS"] = _status(standing, is_ready=is_ready)
    return facts


def _status(standing: Standing, *, is_ready: bool) -> str:
    if standing.state in ("quiet", "stopping"):
        return f"{standing.state}: {_left(standing.processes)}"
    state = "" if standing.state == "working" else f"{standing.state}: "
    tubes = standing.tubes if len(standing.tubes) <= LONGEST_TUBES else f"{standing.tubes[:LONGEST_TUBES]}…"
    return "".join(
        (
            state if is_ready else "starting: ",
            f"{standing.connected} of {standing.places} process{'es' * (standing.places != 1)}",
            f" on {tubes}" if tubes else "",
            f", {standing.silent} quiet" if standing.silent else "",
        )
    )


def _left(processes: int) -> str:
    match processes:
        case 0:
            return "no process is left"
        case 1:
            return "1 process finishes its calls"
        case _:
            return f"{processes} processes finish their calls"
