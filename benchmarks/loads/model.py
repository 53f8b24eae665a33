"""What a load is, and what it tells."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from benchmarks.connection import Watch
from benchmarks.meter import Sample

BEANSTALKD = "beanstalkd"
PURE = "ayl_server"
COMPILED = "ayl_server-compiled"
ASYNCIO = "ayl_server-asyncio"

ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Target:
    """The server under load."""

    port: int
    pid: int
    core: int


@dataclass(frozen=True, slots=True)
class Waits:
    """How long a reply took, and how late the machine was by itself meanwhile; all in milliseconds."""

    p50: float
    p99: float
    p99_9: float
    longest: float
    own_longest: float  # the longest but for what the machine was late
    machine_p50: float
    machine_p99: float
    machine_p99_9: float
    machine_longest: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one run of a load has shown."""

    stretches: dict[str, Sample] = field(default_factory=dict)  # by title, in the order of measuring
    figures: dict[str, float] = field(default_factory=dict)  # by name, which tells the unit
    waits: dict[str, Waits] = field(default_factory=dict)  # by phase
    left: int = 0  # ready jobs in the server when the load ended

    @classmethod
    def of(cls, sample: Sample) -> Self:
        """One stretch that needs no title beside the load's."""
        return cls({"": sample})

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """The inverse of `to_dict`."""
        stretches = {title: Sample(**sample) for title, sample in values["stretches"].items()}
        waits = {phase: Waits(**spread) for phase, spread in values["waits"].items()}
        return cls(stretches, values["figures"], waits, values["left"])

    @property
    def disturbed(self) -> float:
        """The largest share of a stretch in which server or generator had to wait for their cores."""
        return max((one.queued_seconds / one.seconds for one in self.stretches.values()), default=0.0)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Load:
    title: str
    amount: int  # commands, or jobs where the drive says so, in a whole run
    drive: Callable[[Target, Watch, int], Outcome]
    without: tuple[str, ...] = (ASYNCIO,)  # servers that it is not meant for
    binlog: tuple[str, ...] = ()  # options that go with -b; none: without a binlog
    rounds: int = ROUNDS
    peer_rounds: int = ROUNDS  # of beanstalkd, where it takes long and no target needs a round of its own
