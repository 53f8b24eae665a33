"""What the broker keeps: jobs, tubes and sessions, each field with its unit and its meaning per state.

Times are float seconds on the clock that the driver passes in as `now`; nothing here reads a clock.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from ayl_server.protocol import URGENT
from ayl_server.queues import NEVER, Later, Ready

# States of a job. Plain strings: they are what stats-job prints.
READY: Final = "ready"
RESERVED: Final = "reserved"
DELAYED: Final = "delayed"
BURIED: Final = "buried"


JOB_BYTES: Final = 350
"""What a job costs in memory besides its body, about, in bytes: measured at one million ready jobs, rounded up."""


class History:
    """What has happened to a job besides being reserved; most jobs never need one."""

    __slots__ = ("buries", "kicks", "releases", "timeouts")

    def __init__(self) -> None:
        self.timeouts = 0
        self.releases = 0
        self.buries = 0
        self.kicks = 0


class Job:
    """An id and opaque bytes, waiting in a tube or leased to a session."""

    __slots__ = (
        "body",  # bytes, without the protocol's CR LF
        "created",  # seconds
        "deadline",  # seconds: reserved - when the lease ends; delayed - when it falls due;
        # buried - no time, but the number of its burial; ready - meaningless
        "delay",  # whole seconds, as last given by put or release
        "file",  # number of the binlog file that holds the whole job, 0 for none
        "history",  # None until something but a reserve happened
        "id",
        "place",  # ready: its Lane or Ready; delayed: its Later; reserved: its Session; else None
        "pri",  # 0 (most urgent) to 2**32 - 1
        "reserves",  # how often it was reserved
        "state",
        "ttr",  # whole seconds, at least 1
        "tube",
    )

    def __init__(self, job_id: int, pri: int, delay: int, ttr: int, body: bytes, tube: "Tube", created: float) -> None:
        self.id = job_id
        self.pri = pri
        self.delay = delay
        self.ttr = ttr
        self.body = body
        self.tube = tube
        self.created = created
        self.state = READY
        self.deadline = 0.0
        self.file = 0
        self.place: object = None
        self.reserves = 0
        self.history: History | None = None

    def past(self) -> History:
        """This job's history, begun if need be."""
        if self.history is None:
            self.history = History()
        return self.history


class Tube:
    """A named queue. It exists while a session uses or watches it or a job is in it, in whatever state."""

    __slots__ = (
        "armed",  # seconds: when the timers call next for a delayed job or the end of a pause
        "buried",  # first in first out
        "delayed",
        "deletes",
        "name",
        "pause",  # whole seconds of the pause in force, 0 for none: while it lasts nothing is reserved from here
        "pauses",
        "ready",
        "reserved",  # how many of its jobs are leased
        "restored",  # jobs that were read back from a binlog
        "total",  # puts accepted since the tube came to be
        "unpause_at",  # seconds; meaningful while `pause` is not 0
        "users",
        "waiters",  # sessions waiting in reserve, in the order of their coming
        "watchers",
    )

    def __init__(self, name: bytes) -> None:
        self.name = name
        self.ready: Ready[Job] = Ready(URGENT)
        self.delayed: Later[Job] = Later()
        self.buried: OrderedDict[int, Job] = OrderedDict()
        self.waiters: OrderedDict[Session, None] = OrderedDict()
        self.armed = NEVER
        self.reserved = 0
        self.restored = 0
        self.users = 0
        self.watchers = 0
        self.total = 0
        self.deletes = 0
        self.pauses = 0
        self.pause = 0
        self.unpause_at = 0.0

    @property
    def idle(self) -> bool:
        """Whether nothing refers to this tube any more."""
        return self.total + self.restored == self.deletes and not (self.users or self.watchers)


class Session:
    """One client as the broker sees it."""

    __slots__ = (
        "armed",  # seconds: when the timers call next
        "ended",  # no further input can come: a reserve must not wait
        "held",  # leased jobs by id, in the order of reserving
        "out",  # replies not yet taken, one entry each
        "producer",  # has put
        "soonest",  # seconds: no lease ends before this (a lower bound, made exact when it matters)
        "until",  # seconds: when a waiting reserve gives up, infinite for never
        "use",
        "waiting",  # in a reserve that has not been answered
        "watching",  # in the order of watching
        "worker",  # has reserved
    )

    def __init__(self, tube: Tube) -> None:
        self.use = tube
        self.watching: dict[Tube, None] = {tube: None}
        self.held: dict[int, Job] = {}
        self.out: list[bytes] = []
        self.soonest = NEVER
        self.until = NEVER
        self.armed = NEVER
        self.waiting = False
        self.ended = False
        self.producer = False
        self.worker = False


class Journal(Protocol):
    """Where the broker reports each change that must outlive it. The broker knows no more of the disk."""

    def inserted(self, job: Job) -> bool:
        """A job is to be put; False if there is no room for it, then it must not be."""

    def updated(self, job: Job) -> None:
        """A job changed its state, priority, delay or counters."""

    def deleted(self, job: Job) -> None:
        """A job is gone for good."""


@dataclass(frozen=True, slots=True)
class BinlogFacts:
    """What the statistics tell of the binlog; all 0 without one but the size that a file would have."""

    oldest: int = 0
    current: int = 0
    migrated: int = 0
    written: int = 0
    max_size: int = 10485760  # bytes


@dataclass(frozen=True, slots=True)
class ProcessFacts:
    """What the statistics tell of the process; the broker gets them as values."""

    pid: int
    user_seconds: float
    system_seconds: float
    instance: str
    hostname: str
    os: str
    platform: str
    binlog: BinlogFacts = BinlogFacts()


Facts = Callable[[], ProcessFacts]


COUNTED: Final = (
    b"put",
    b"peek",
    b"peek-ready",
    b"peek-delayed",
    b"peek-buried",
    b"reserve",
    b"reserve-with-timeout",
    b"delete",
    b"release",
    b"use",
    b"watch",
    b"ignore",
    b"bury",
    b"kick",
    b"touch",
    b"stats",
    b"stats-job",
    b"stats-tube",
    b"list-tubes",
    b"list-tube-used",
    b"list-tubes-watched",
    b"pause-tube",
)
"""The commands that have a counter, in the order of the report. reserve-job, kick-job and quit have none."""
