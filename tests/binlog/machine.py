"""A broker and its binlog, without sockets: what a server is between its start and its end."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, NamedTuple

from ayl_server.binlog.log import Policy
from ayl_server.binlog.recovery import open_log
from ayl_server.binlog.segment import numbers
from ayl_server.broker import Broker
from ayl_server.model import BURIED, DELAYED, READY, RESERVED, History, Job, ProcessFacts
from tests.simulation.clock import Clock
from tests.simulation.disk import SimulatedDisk
from tests.simulation.faults import Faults

if TYPE_CHECKING:
    from ayl_server.binlog.disk import Disk

SIZE = 4096
"""Of a segment, unless a test says otherwise: the smallest that the server takes."""

ALWAYS = Policy(size=SIZE)
LATER = Policy(size=SIZE, sync_after=0.05)
NEVER = Policy(size=SIZE, sync_after=None)


class Seen(NamedTuple):
    """A job, as a restart must bring it back."""

    tube: bytes
    body: bytes
    pri: int
    delay: int
    ttr: int
    state: str  # a lease ends with the server: then ready
    when: float  # delayed: when it falls due, on the wall clock; buried: the burial's number
    created: float  # on the wall clock
    reserves: int
    timeouts: int
    releases: int
    buries: int
    kicks: int


def seen(job: Job, shift: float) -> Seen:
    past = job.history or History()
    state = READY if job.state == RESERVED else job.state
    when = {DELAYED: job.deadline + shift, BURIED: job.deadline}.get(state, 0.0)
    return Seen(
        job.tube.name, job.body, job.pri, job.delay, job.ttr, state, when, job.created + shift, job.reserves,
        past.timeouts, past.releases, past.buries, past.kicks,
    )  # fmt: skip


class Machine:
    """What outlives a server: a directory and the clocks. Its disk has room for a megabyte."""

    def __init__(self, disk: SimulatedDisk | None = None) -> None:
        self.disk = disk or SimulatedDisk(random.Random(0), Faults(), 1 << 20)  # noqa: S311 - nothing secret
        self.clock = Clock()
        self._salts = random.Random(1)  # noqa: S311 - nor is this

    def start(self, policy: Policy = ALWAYS, *, salvage: bool = False) -> Run:
        return Run(self, self.disk, policy, salvage=salvage)

    def salt(self) -> int:
        return self._salts.getrandbits(32)

    def segments(self) -> list[str]:
        """The files that hold records, in order."""
        return [f"ayl-binlog.{number}" for number in numbers(self.disk.names(), "ayl-binlog")]

    def contents(self, name: str) -> bytes:
        return self.disk.read(name, 0, self.disk.size(name))

    def overwrite(self, name: str, offset: int, data: bytes) -> None:
        """What neither a server nor a crash does."""
        self.disk.files[name].seen[offset : offset + len(data)] = data

    def flip(self, name: str, offset: int) -> None:
        self.disk.files[name].seen[offset] ^= 0x10

    def cut(self, name: str, size: int) -> None:
        del self.disk.files[name].seen[size:]

    def fill(self) -> None:
        """Other programs take all that is left of the disk."""
        self.disk.others += self.disk.free


class Run:
    """A server from its start on. To kill it, start another."""

    def __init__(self, machine: Machine, disk: Disk, policy: Policy, *, salvage: bool = False) -> None:
        self.clock = machine.clock
        self.broker = Broker(facts=lambda: ProcessFacts(1, 0.0, 0.0, "f", "h", "o", "p"), started=self.clock.steady)
        self.complaints: list[str] = []
        self.recovery = open_log(
            disk,
            policy,
            self.broker,
            self.clock.clocks(),
            salt=machine.salt,
            complain=self.complaints.append,
            salvage=salvage,
        )
        self.log = self.recovery.log
        self.session = self.broker.connect()

    # What clients do

    def put(
        self, body: bytes = b"x", tube: bytes = b"default", pri: int = 0, delay: int = 0, ttr: int = 60
    ) -> int | None:
        """The job's id; None if there was no room for it."""
        broker = self.broker
        broker.last_id += 1
        broker.use(self.session, tube)
        job = Job(broker.last_id, pri, delay, ttr, body, self.session.use, self.clock.steady)
        return job.id if broker.put(job, self.clock.steady) else None

    def job(self, job_id: int | None) -> Job:
        assert job_id is not None
        job = self.broker.jobs.get(job_id)
        assert job is not None
        return job

    def reserve(self, job_id: int | None) -> Job:
        job = self.job(job_id)
        assert self.broker.reserve_job(self.session, job, self.clock.steady) is not None
        return job

    def release(self, job_id: int | None, pri: int = 0, delay: int = 0) -> None:
        self.broker.release(self.session, self.reserve(job_id), pri, delay, self.clock.steady)

    def bury(self, job_id: int | None, pri: int = 0) -> None:
        self.broker.bury(self.session, self.reserve(job_id), pri)

    def kick(self, job_id: int | None) -> None:
        assert self.broker.kick_job(self.job(job_id), self.clock.steady)

    def delete(self, job_id: int | None) -> None:
        assert self.broker.delete(self.session, self.job(job_id))

    def tick(self) -> None:
        self.broker.tick(self.clock.steady)

    # What the driver does

    def commit(self) -> None:
        """The end of a turn, after which the clients have their replies."""
        self.log.commit()

    def close(self) -> None:
        self.commit()
        self.log.close()

    # What there is

    def jobs(self) -> dict[int, Seen]:
        return {job.id: seen(job, self.clock.shift) for job in self.broker.jobs.values()}

    def bodies(self) -> dict[int, bytes]:
        return {job.id: job.body for job in self.broker.jobs.values()}

    def buried(self, tube: bytes = b"default") -> list[int]:
        """In the order in which a kick would take them."""
        return list(self.broker.tube(tube).buried)
