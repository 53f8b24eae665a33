"""The state machine under random events: whatever happens, the books are right.

Sessions, commands and the clock are drawn at random; after each step every counter is compared with a recount and
every job must be in exactly one place.
"""

from collections import Counter
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from ayl_server.broker import MARGIN, Broker
from ayl_server.connection import Connection
from ayl_server.model import BURIED, DELAYED, READY, RESERVED, Job, ProcessFacts, Session
from ayl_server.queues import Lane, Ready

TUBES = ("default", "a", "b")
COMMANDS = st.sampled_from(
    [
        "put {pri} {delay} {ttr} 1\r\nx",
        "put {pri} 0 {ttr} 1\r\nx",
        "reserve",
        "reserve-with-timeout 0",
        "reserve-with-timeout {delay}",
        "reserve-job {id}",
        "delete {id}",
        "release {id} {pri} {delay}",
        "release {id} {pri} 0",
        "bury {id} {pri}",
        "touch {id}",
        "kick {delay}",
        "kick-job {id}",
        "use {tube}",
        "watch {tube}",
        "ignore {tube}",
        "pause-tube {tube} {delay}",
        "peek-ready",
        "peek-delayed",
        "peek-buried",
        "stats",
        "stats-tube {tube}",
        "stats-job {id}",
        "nonsense",
    ]
)


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


class BrokerMachine(RuleBasedStateMachine):
    """A broker, a few clients and a clock."""

    def __init__(self) -> None:
        super().__init__()
        self.journal = Recorder()
        self.broker = Broker(facts=lambda: ProcessFacts(1, 0.0, 0.0, "f", "h", "o", "p"), journal=self.journal)
        self.now = 1000.0
        self.clients: list[Connection] = []
        self.accepted = 0

    def _settle(self) -> None:
        for client in self.clients:
            while True:
                self.accepted += client.take_output().count(b"INSERTED")
                if not client.held_back:
                    break
                client.resume(self.now)
        self.broker.take_woken()

    @rule()
    def connect(self) -> None:
        if len(self.clients) < 5:
            self.clients.append(Connection(self.broker))

    @precondition(lambda self: self.clients)
    @rule(
        data=st.data(),
        lines=st.lists(COMMANDS, min_size=1, max_size=4),
        pri=st.integers(0, 3),
        delay=st.integers(0, 3),
        ttr=st.integers(0, 4),
        tube=st.sampled_from(TUBES),
    )
    def send(self, data: Any, lines: list[str], pri: int, delay: int, ttr: int, tube: str) -> None:
        client = data.draw(st.sampled_from(self.clients))
        number = data.draw(st.integers(1, self.broker.last_id + 1))
        text = "".join(
            line.format(pri=pri * 512, delay=delay, ttr=ttr, tube=tube, id=number) + "\r\n" for line in lines
        )
        client.receive(text.encode(), self.now)
        self._settle()

    @precondition(lambda self: self.clients)
    @rule(data=st.data(), half=st.booleans())
    def hang_up(self, data: Any, half: bool) -> None:
        client = data.draw(st.sampled_from(self.clients))
        if half:
            client.end_of_input(self.now)
            self._settle()
            assert client.closing
        client.lost(self.now)
        self.clients.remove(client)
        self._settle()

    @rule(seconds=st.sampled_from([0.0, 0.001, 0.5, 1.0, 2.5, 10.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds
        self.broker.tick(self.now)
        self._settle()

    @invariant()
    def every_job_is_in_exactly_one_place(self) -> None:
        for job in self.broker.jobs.values():
            holders = [session for session in self.broker.sessions if job.id in session.held]
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
            assert self.broker.tubes[job.tube.name] is job.tube

    @invariant()
    def the_counters_equal_a_recount(self) -> None:
        states = Counter((job.tube.name, job.state) for job in self.broker.jobs.values())
        for name, tube in self.broker.tubes.items():
            assert tube.ready.count == states[name, READY]
            assert tube.reserved == states[name, RESERVED]
            assert len(tube.delayed) == states[name, DELAYED]
            assert len(tube.buried) == states[name, BURIED]
            assert tube.total - tube.deletes == sum(states[name, state] for state in (READY, RESERVED, DELAYED, BURIED))
            assert tube.users == sum(session.use is tube for session in self.broker.sessions)
            assert tube.watchers == sum(tube in session.watching for session in self.broker.sessions)
            waiting = [session for session in self.broker.sessions if session.waiting and tube in session.watching]
            assert sorted(map(id, tube.waiters)) == sorted(map(id, waiting))
            assert not tube.idle or tube is self.broker.default
        assert self.broker.waiting == sum(session.waiting for session in self.broker.sessions)
        assert self.broker.producers == sum(session.producer for session in self.broker.sessions)
        assert self.broker.workers == sum(session.worker for session in self.broker.sessions)
        assert self.broker.total_jobs == self.accepted

    @invariant()
    def nobody_waits_beside_a_ready_job(self) -> None:
        for tube in self.broker.tubes.values():
            assert tube.pause or not (tube.waiters and tube.ready.count)

    @invariant()
    def nothing_that_is_due_was_forgotten(self) -> None:
        """D1 of the original: a lease whose end nobody watches."""
        deadline = self.broker.next_deadline()
        for session in self.broker.sessions:
            for due in self._deadlines(session):
                assert deadline is not None
                assert deadline <= due
        for tube in self.broker.tubes.values():
            if (job := tube.delayed.head()) is not None:
                assert deadline is not None
                assert deadline <= job.deadline

    def _deadlines(self, session: Session) -> list[float]:
        leases = [job.deadline for job in session.held.values()]
        if not session.waiting:
            return leases
        return [*leases, *(end - MARGIN for end in leases), *([session.until] if session.until != float("inf") else [])]

    @invariant()
    def the_journal_knows_what_must_outlive_the_process(self) -> None:
        assert self.journal.jobs.keys() == set(self.broker.jobs.numbers())
        for job in self.broker.jobs.values():
            state, pri, _ = self.journal.jobs[job.id]
            if job.state == BURIED:
                assert (state, pri) == (BURIED, job.pri)


TestBroker = BrokerMachine.TestCase
TestBroker.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
