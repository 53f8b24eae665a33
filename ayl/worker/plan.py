"""What the command line tells the supervisor, and that a worker process. It needs no more of ayl and stays small."""

import json
from typing import NamedTuple

from ayl.worker.proctitle import NAME
from ayl.worker.wear import NO_LIMITS, Limits


class Plan(NamedTuple):
    """What a worker process is to do; it is handed over as JSON."""

    app_path: str
    require: tuple[str, ...]
    tubes: tuple[str, ...] = ()
    """By their whole names; empty for what the lanes say."""
    lanes: tuple[str, ...] = ()
    """Of the app; empty for its own tube."""
    shares: tuple[int, ...] = ()
    """Of each of them; empty if all are alike."""
    strict: bool = False
    """Whether each comes before those behind it."""
    log_level: str = "INFO"
    name: str = NAME
    """What logs and titles call it."""
    processes: int = 0
    """Process slots."""
    threads: int = 1
    """Thread slots: one alone has the main thread, several have one each."""
    coroutines: int = 0
    """Coroutine slots."""
    grace: float | None = None
    """Seconds for the calls that run when it is to stop; None for as long as they take."""
    limits: Limits = NO_LIMITS
    burst: bool = False
    """End once no job is ready."""
    status: str = ""
    """The path of a socket where the supervisor tells how it is; empty for none."""
    reload: bool = False
    """For development: start anew when the app's code has changed."""

    @property
    def slots(self) -> int:
        """Of all kinds, in one process."""
        return self.processes + self.threads + self.coroutines

    def of_a_child(self) -> "Plan":
        """For the process of a process slot."""
        return self._replace(processes=0, threads=1, coroutines=0)

    def to_json(self) -> str:
        return json.dumps(self._asdict() | {"limits": self.limits._asdict()})

    @classmethod
    def from_json(cls, text: str) -> "Plan":
        fields = json.loads(text)
        made = {name: tuple(fields[name]) for name in ("require", "tubes", "lanes", "shares")} | {
            "limits": Limits(**fields["limits"])
        }
        return cls(**fields | made)
