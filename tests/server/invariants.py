"""What must hold of a broker between any two events: every counter equals a recount, every job is in one place."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from ayl_server.broker import MARGIN
from ayl_server.model import BURIED, DELAYED, JOB_BYTES, READY, RESERVED
from ayl_server.queues import Lane, Ready

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ayl_server.broker import Broker
    from ayl_server.connection import Connection
    from ayl_server.model import Job, Session

STATES = (READY, RESERVED, DELAYED, BURIED)


class Recorder:
    """A journal that remembers which jobs must exist, and how it last heard of them."""

    def __init__(self) -> None:
        self.jobs: dict[int, tuple[str, int, int]] = {}

    def inserted(self, job: Job) -> bool:
        assert job.id not in self.jobs
        self.jobs[job.id] = (job.state, job.pri, job.delay)
        return True

    def updated(self, job: Job) -> None:
        assert job.id in self.jobs
        self.jobs[job.id] = (job.state, job.pri, job.delay)

    def deleted(self, job: Job) -> None:
        del self.jobs[job.id]


def check(broker: Broker) -> None:
    """AssertionError if the books are wrong."""
    check_places(broker)
    check_tubes(broker)
    check_sessions(broker)
    check_waiters(broker)
    check_deadline(broker)


def check_places(broker: Broker) -> None:
    """Every job is in exactly one place."""
    for job in broker.jobs.values():
        holders = [session for session in broker.sessions if job.id in session.held]
        places = [
            *[RESERVED] * len(holders),
            *[DELAYED][: job.place is job.tube.delayed],
            *[BURIED][: job.id in job.tube.buried],
            *[READY][: isinstance(job.place, Lane | Ready)],
        ]
        assert places == [job.state], (job.id, job.state, places)
        if job.state == RESERVED:
            assert job.place is holders[0]
        if job.state == READY:
            assert job.tube.ready.lanes[job.pri] in (job, job.place)
        assert broker.tubes[job.tube.name] is job.tube


def check_tubes(broker: Broker) -> None:
    """The counters of each tube equal a recount."""
    states = Counter((job.tube.name, job.state) for job in broker.jobs.values())
    for name, tube in broker.tubes.items():
        assert tube.ready.count == states[name, READY]
        assert tube.reserved == states[name, RESERVED]
        assert len(tube.delayed) == states[name, DELAYED]
        assert len(tube.buried) == states[name, BURIED]
        assert tube.total + tube.restored - tube.deletes == sum(states[name, state] for state in STATES)
        assert tube.users == sum(session.use is tube for session in broker.sessions)
        assert tube.watchers == sum(tube in session.watching for session in broker.sessions)
        waiting = [session for session in broker.sessions if session.waiting and tube in session.watching]
        assert sorted(map(id, tube.waiters)) == sorted(map(id, waiting))
        assert not tube.idle or tube is broker.default


def check_sessions(broker: Broker) -> None:
    assert broker.waiting == sum(session.waiting for session in broker.sessions)
    assert broker.producers == sum(session.producer for session in broker.sessions)
    assert broker.workers == sum(session.worker for session in broker.sessions)


def check_waiters(broker: Broker) -> None:
    """Nobody waits beside a ready job."""
    for tube in broker.tubes.values():
        assert tube.pause or not (tube.waiters and tube.ready.count)


def check_deadline(broker: Broker) -> None:
    """Nothing that is due was forgotten. D1 of the original: a lease whose end nobody watches."""
    deadline = broker.next_deadline()
    for session in broker.sessions:
        for due in _deadlines(session):
            assert deadline is not None
            assert deadline <= due
    for tube in broker.tubes.values():
        if (job := tube.delayed.head()) is not None:
            assert deadline is not None
            assert deadline <= job.deadline


def _deadlines(session: Session) -> list[float]:
    leases = [job.deadline for job in session.held.values()]
    if not session.waiting:
        return leases
    return [*leases, *(end - MARGIN for end in leases), *([session.until] if session.until != float("inf") else [])]


def check_memory(broker: Broker, connections: Iterable[Connection]) -> None:
    """What the jobs occupy, and the bodies that are still arriving, is what the broker believes."""
    bodies = sum(len(job.body) + JOB_BYTES for job in broker.jobs.values())
    arriving = sum(one.upload.size for one in connections if one.upload is not None)
    assert broker.memory == bodies + arriving


def check_journal(broker: Broker, journal: Recorder) -> None:
    """The journal knows what must outlive the process."""
    assert journal.jobs.keys() == set(broker.jobs.numbers())
    for job in broker.jobs.values():
        state, pri, _ = journal.jobs[job.id]
        if job.state == BURIED:
            assert (state, pri) == (BURIED, job.pri)
