"""How a daemon is, as its keeper writes it down for everybody to read. Times are seconds since 1970."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field

from ayl.daemons.course import told
from ayl.daemons.records import facts, read

LARGEST = 1e12
"""Of all numbers: seconds since 1970, too."""


@dataclass(frozen=True, slots=True)
class Process:
    """One process of it."""

    pid: int
    began: float
    state: str
    """`starting`, `working`, `draining` or `ending`."""
    status: str = ""
    """What it says of itself."""
    tubes: str = ""
    version: str = ""
    """What AYL_VERSION told it."""
    number: int = 0
    """Counted from 1, by its keeper; the names of its sockets end with it."""


@dataclass(frozen=True, slots=True)
class State:
    """Of one daemon."""

    name: str
    kind: str
    keeper: int
    """The pid of the keeper."""
    release: str
    """ayl's, of the keeper."""
    state: str
    """`starting`, `working`, `replacing`, `stopping`; `pausing`: it died, and is started again; `ended`: it is not."""
    since: float
    serial: str
    """Of the order that the latest process runs."""
    foreground: bool = False
    processes: tuple[Process, ...] = ()
    """The latest first."""
    failures: int = 0
    """Ends before their time, in a row."""
    next_start: float | None = None
    refused: dict[str, str] = field(default_factory=dict)
    """The serial of an order whose process failed while the old one stayed, and why."""
    last_end: str = ""
    """How a process last ended that was not to; empty if none has."""
    ended_at: float | None = None
    tail: tuple[str, ...] = ()
    """The last lines that it printed."""
    log: str = ""
    """The path of the log file; `journal`, or `output` of a keeper in the foreground."""

    @property
    def has_done_its_part(self) -> bool:
        """Whether it has ended, is not started again, and all was well."""
        return self.state == "ended" and self.last_end == told(0)

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> State:
        """ValueError if it makes no sense."""
        known = facts(cls, read(text), LARGEST)
        processes = tuple(Process(**facts(Process, process, LARGEST)) for process in known.get("processes", ()))
        return cls(**known | {"processes": processes, "tail": tuple(known.get("tail", ()))})
