"""The state machine under random events: whatever happens, the books are right.

Sessions, commands and the clock are drawn at random; after each step every counter is compared with a recount and
every job must be in exactly one place.
"""

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from ayl_server.broker import Broker
from ayl_server.connection import Connection
from ayl_server.model import ProcessFacts
from tests.conftest import examples

from . import invariants

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


class BrokerMachine(RuleBasedStateMachine):
    """A broker, a few clients and a clock."""

    def __init__(self) -> None:
        super().__init__()
        self.journal = invariants.Recorder()
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
        invariants.check_places(self.broker)

    @invariant()
    def the_counters_equal_a_recount(self) -> None:
        invariants.check_tubes(self.broker)
        invariants.check_sessions(self.broker)
        invariants.check_memory(self.broker, self.clients)
        assert self.broker.total_jobs == self.accepted

    @invariant()
    def nobody_waits_beside_a_ready_job(self) -> None:
        invariants.check_waiters(self.broker)

    @invariant()
    def nothing_that_is_due_was_forgotten(self) -> None:
        invariants.check_deadline(self.broker)

    @invariant()
    def the_journal_knows_what_must_outlive_the_process(self) -> None:
        invariants.check_journal(self.broker, self.journal)


TestBroker = BrokerMachine.TestCase
TestBroker.settings = settings(max_examples=examples(150), stateful_step_count=40, deadline=None)
