"""What must hold of a broker between any two events."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from ayl_server import stats
from ayl_server.broker import MARGIN
from ayl_server.model import BURIED, DELAYED, JOB_BYTES, READY, RESERVED
from ayl_server.protocol import URGENT

from .faults import BrokenError
from .ledger import Ledger, Told, past_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ayl_server.broker import Broker
    from ayl_server.connection import Connection
    from ayl_server.model import Job, Session, Tube


Held = dict["Tube", list["Job"]]
"""The jobs of each tube in one state."""


def check(broker: Broker, connections: Iterable[Connection], ledger: Ledger, now: float) -> None:
    """BrokenError if something does not hold."""
    jobs = {job.id: job for job in broker.jobs.values()}
    expect("jobs by number", len(broker.jobs), len(jobs))
    check_leases(broker, jobs)
    by_state = {state: by_tube(jobs.values(), state) for state in (READY, DELAYED, BURIED, RESERVED)}
    expect("states", sum(len(there) for held in by_state.values() for there in held.values()), len(jobs))
    for tube in broker.tubes.values():
        check_queues(tube, *(by_state[state].get(tube, []) for state in (READY, DELAYED, BURIED, RESERVED)))
        check_tube(broker, tube)
    for session in broker.sessions:
        check_session(broker, session)
    check_sums(broker, jobs, connections)
    check_deadline(broker)
    check_reports(broker, by_state[READY], now)
    check_against(ledger, jobs, now)


def expect(what: str, found: object, wanted: object) -> None:
    if found != wanted:
        raise BrokenError(f"{what}: {found!r:.300}, but a recount gives {wanted!r:.300}")


def by_tube(jobs: Iterable[Job], state: str) -> Held:
    found: Held = {}
    for job in jobs:
        if job.state == state:
            found.setdefault(job.tube, []).append(job)
    return found


def check_leases(broker: Broker, jobs: dict[int, Job]) -> None:
    """Each reserved job is held by exactly one session, and only reserved jobs are held."""
    held = [job.id for session in broker.sessions for job in session.held.values()]
    expect("leases", sorted(held), sorted(job.id for job in jobs.values() if job.state == RESERVED))
    for job in jobs.values():
        if broker.tubes.get(job.tube.name) is not job.tube:
            raise BrokenError(f"job {job.id} is in a forgotten tube")


def check_queues(tube: Tube, ready: list[Job], delayed: list[Job], buried: list[Job], reserved: list[Job]) -> None:
    """Each queue holds as many jobs as are in its state, and its head is the right one."""
    name = tube.name
    expect(f"{name!r} ready", tube.ready.count, len(ready))
    expect(f"{name!r} best", tube.ready.rank(), min(((job.pri, job.id) for job in ready), default=None))
    expect(f"{name!r} delayed", len(tube.delayed), len(delayed))
    first = min(delayed, key=lambda job: (job.deadline, job.id), default=None)
    expect(f"{name!r} due next", tube.delayed.head(), first)
    order = sorted(buried, key=lambda job: job.deadline)
    expect(f"{name!r} buried", list(tube.buried.values()), order)
    expect(f"{name!r} reserved", tube.reserved, len(reserved))
    whole = len(ready) + len(delayed) + len(buried) + len(reserved)
    expect(f"{name!r} jobs", tube.total + tube.restored - tube.deletes, whole)
    if tube.waiters and ready and not tube.pause:
        raise BrokenError(f"somebody waits beside a ready job in {name!r}")


def check_tube(broker: Broker, tube: Tube) -> None:
    name = tube.name
    expect(f"{name!r} users", tube.users, sum(session.use is tube for session in broker.sessions))
    expect(f"{name!r} watchers", tube.watchers, sum(tube in session.watching for session in broker.sessions))
    waiting = [session for session in broker.sessions if session.waiting and tube in session.watching]
    expect(f"{name!r} waiters", set(tube.waiters), set(waiting))
    if broker.tubes.get(name) is not tube or (tube.idle and tube is not broker.default):
        raise BrokenError(f"the tube {name!r} is there for nobody")


def check_session(broker: Broker, session: Session) -> None:
    for job in session.held.values():
        if job.state != RESERVED or job.place is not session:
            raise BrokenError(f"job {job.id} is held, and does not know it")
        if job.deadline < session.soonest:
            raise BrokenError(f"the lease of job {job.id} ends before any lease of its session does")
    for tube in (session.use, *session.watching):
        if broker.tubes.get(tube.name) is not tube:
            raise BrokenError(f"the tube {tube.name!r} is used and forgotten")


def check_sums(broker: Broker, jobs: dict[int, Job], connections: Iterable[Connection]) -> None:
    bodies = sum(len(job.body) for job in jobs.values())
    arriving = sum(one.upload.size for one in connections if one.upload is not None)
    expect("memory", broker.memory, bodies + JOB_BYTES * len(jobs) + arriving)
    expect("producers", broker.producers, sum(session.producer for session in broker.sessions))
    expect("workers", broker.workers, sum(session.worker for session in broker.sessions))
    expect("waiting", broker.waiting, sum(session.waiting for session in broker.sessions))


def check_deadline(broker: Broker) -> None:
    """The next deadline is never later than the earliest thing due."""
    due = [tube.unpause_at for tube in broker.tubes.values() if tube.pause]
    heads = [tube.delayed.head() for tube in broker.tubes.values()]
    due += [job.deadline for job in heads if job is not None]
    for session in broker.sessions:
        ends = [job.deadline for job in session.held.values()]
        due += ends
        if session.waiting:
            due += [when for when in (session.until, *(end - MARGIN for end in ends)) if when != float("inf")]
    if due and ((when := broker.next_deadline()) is None or when > min(due)):
        raise BrokenError(f"the next deadline is {when}, and something is due at {min(due)}")


def check_reports(broker: Broker, ready: Held, now: float) -> None:
    """The statistics of the server are those of its tubes, and both are those of the jobs."""
    whole: Counter[str] = Counter()
    for tube in broker.tubes.values():
        report = fields(stats.of_tube(tube, now))
        there = ready.get(tube, [])
        expect("urgent", report["current-jobs-urgent"], str(sum(job.pri < URGENT for job in there)))
        expect("tube's ready", report["current-jobs-ready"], str(len(there)))
        whole.update({key: int(report[key]) for key in report if key.startswith("current-jobs-")})
    report = fields(stats.of_server(broker, now))
    for key, value in whole.items():
        expect(key, report[key], str(value))
    expect("current-connections", report["current-connections"], str(len(broker.sessions)))


def fields(report: bytes) -> dict[str, str]:
    return dict(line.split(": ", 1) for line in report.decode().splitlines()[1:])


def check_against(ledger: Ledger, jobs: dict[int, Job], now: float) -> None:
    """Nothing that must outlive the process was changed without a report."""
    expect("reported jobs", sorted(ledger.jobs), sorted(jobs))
    for job_id, told in ledger.jobs.items():
        job = jobs[job_id]
        was = (told.tube, told.pri, told.delay, told.ttr, told.body, told.past[1:])
        expect(f"job {job_id}", (job.tube.name, job.pri, job.delay, job.ttr, job.body, past_of(job)[1:]), was)
        check_state(told, job, now)


def check_state(told: Told, job: Job, now: float) -> None:
    if told.state == DELAYED and job.state in (READY, RESERVED):
        if told.deadline > now:
            raise BrokenError(f"job {job.id} is {job.state} before its delay is over")
    else:
        expect(f"state of job {job.id}", READY if job.state == RESERVED else job.state, told.state)
        if told.state in (DELAYED, BURIED):
            expect(f"deadline of job {job.id}", job.deadline, told.deadline)
