"""The breaker: a server that fails is left alone, then one caller finds out for all, and nothing old is believed."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule

from ayl.engines.breaker import Breaker, Leave

INTERVAL = 5.0
LEASE = 2.0


def opened(now: float = 0.0) -> Breaker:
    breaker = Breaker(INTERVAL, LEASE)
    breaker.failed(breaker.generation, now)
    return breaker


def test_a_server_is_free_until_it_fails() -> None:
    assert Breaker(INTERVAL, LEASE).ask(0) is Leave.FREE


def test_a_server_that_failed_is_left_alone_for_the_interval_and_then_probed_by_one() -> None:
    breaker = opened()
    assert [breaker.ask(now) for now in (0, 4.9, 5.0, 5.0, 6.9)] == [
        Leave.NONE, Leave.NONE, Leave.PROBE, Leave.NONE, Leave.NONE
    ]  # fmt: skip


def test_a_prober_who_says_nothing_is_followed_by_another() -> None:
    breaker = opened()
    assert [breaker.ask(now) for now in (5.0, 6.9, 7.0)] == [Leave.PROBE, Leave.NONE, Leave.PROBE]


def test_a_prober_who_was_called_away_makes_room_at_once() -> None:
    breaker = opened()
    assert breaker.ask(5) is Leave.PROBE
    breaker.abandoned(5.1)
    assert breaker.ask(5.1) is Leave.PROBE


def test_a_probe_that_fails_opens_for_the_whole_interval() -> None:
    breaker = opened()
    breaker.ask(5)
    breaker.failed(breaker.generation, 6)
    assert [breaker.ask(now) for now in (10.9, 11)] == [Leave.NONE, Leave.PROBE]


def test_what_began_before_the_last_recovery_says_nothing_about_the_server_now() -> None:
    breaker = Breaker(INTERVAL, LEASE)
    before = breaker.generation
    breaker.failed(breaker.generation, 0)
    breaker.ask(5)
    breaker.succeeded()
    breaker.failed(before, 5.1)
    assert breaker.closed


class Callers(RuleBasedStateMachine):
    """Any number of callers, who take their time."""

    callers = Bundle("callers")

    def __init__(self) -> None:
        super().__init__()
        self.breaker = Breaker(INTERVAL, LEASE)
        self.now = 0.0
        self.failed_at: float | None = None
        self.probe_until = 0.0

    @rule(seconds=st.sampled_from([0.0, 0.125, 1.0, 2.0, 5.0, 7.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule(target=callers)
    def come(self) -> object:
        leave = self.breaker.ask(self.now)
        left_alone = self.failed_at is not None and self.now < self.failed_at + INTERVAL
        if self.failed_at is None:
            assert leave is Leave.FREE
        elif left_alone or self.now < self.probe_until:
            assert leave is Leave.NONE
        else:
            assert leave is Leave.PROBE
            self.probe_until = self.now + LEASE
        return multiple() if leave is Leave.NONE else self.breaker.generation

    @rule(generation=consumes(callers))
    def fail(self, generation: int) -> None:
        self.breaker.failed(generation, self.now)
        if generation == self.breaker.generation:
            self.failed_at, self.probe_until = self.now, 0.0

    @rule(_=consumes(callers))
    def succeed(self, _: int) -> None:
        self.breaker.succeeded()
        self.failed_at, self.probe_until = None, 0.0

    @invariant()
    def who_asks_when_told_is_not_turned_away(self) -> None:
        left = self.breaker.seconds_left(self.now)
        assert 0 <= left <= INTERVAL
        assert self.breaker.closed == (self.failed_at is None)


TestCallers = Callers.TestCase
TestCallers.settings = settings(max_examples=60, stateful_step_count=30)
