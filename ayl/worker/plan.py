"""What the supervisor tells a worker process. It needs no more of ayl, and so the supervisor stays small."""

import json
from dataclasses import asdict, dataclass, replace

from ayl.worker.wear import NO_LIMITS, Limits


@dataclass(frozen=True, slots=True)
class Plan:
    """What a worker process is to do; the supervisor hands it over as JSON."""

    app_path: str
    require: tuple[str, ...]
    tubes: tuple[str, ...] = ()
    """Empty for the app's own tube."""
    log_level: str = "INFO"
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

    @property
    def slots(self) -> int:
        """Of all kinds, in one process."""
        return self.processes + self.threads + self.coroutines

    def of_a_child(self) -> "Plan":
        """For the process of a process slot."""
        return replace(self, processes=0, threads=1, coroutines=0)

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Plan":
        fields = json.loads(text)
        made = {name: tuple(fields[name]) for name in ("require", "tubes")} | {"limits": Limits(**fields["limits"])}
        return cls(**fields | made)
