"""What becomes of a job after its call: a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import ayl
from ayl.errors import (
    ArgumentsDoNotFit,
    CannotRun,
    Gone,
    InvalidOption,
    NotConfigured,
    Refused,
    TimeToRunExceeded,
    Unavailable,
    Undecodable,
    Unreachable,
    WorkerDied,
)
from ayl.failures import (
    MOST_KILLS,
    Buried,
    Delayed,
    Deleted,
    Policy,
    backoff,
    decide,
    describe,
    refusal,
    remembered,
    told,
)
from ayl.life import MOST_WHY, Life, Past
from ayl.options import HANDLERS, MAX_U32

if TYPE_CHECKING:
    from ayl.treatments import Rules

DELAY, COUNT = 7, 3
TRIES = (1, 2, 3, 4, 100)
"""Which of its tries a call was: before, at and after its count."""

WELL = Deleted()

FAILED: dict[str, dict[int, type[Any]]] = {
    "delete": {1: Deleted, 2: Deleted, 3: Deleted, 4: Deleted, 100: Deleted},
    "decay": {1: Delayed, 2: Delayed, 3: Buried, 4: Buried, 100: Buried},
    "bury": {1: Buried, 2: Buried, 3: Buried, 4: Buried, 100: Buried},
}
"""What becomes of a job whose call failed: by handler and by tries."""

OWN_FAILURES: list[BaseException] = [
    RuntimeError("on purpose"),
    KeyError("k"),
    TypeError("t"),
    SystemExit(1),
    ExceptionGroup("several", [ValueError("v")]),
    TimeToRunExceeded("the call took longer than 1 s"),
    # What a call that sends in turn may get is its own failure, not that of the job.
    Unreachable("no server answers"),
    Refused("draining"),
    ArgumentsDoNotFit("too many"),
    InvalidOption("delay"),
]

NEVER_RUNS: list[BaseException] = [
    CannotRun("shop.Order.shipp does not exist"),
    Undecodable("no message"),
    Gone("shop.Order 42 exists no more"),
]


def decided(handler: Any, tries: int, error: BaseException | None, *rules: Rules) -> Any:
    return decide(Policy(handler, DELAY, COUNT), Past(tries - 1, again=tries > 1, age=60), error, rules)


@pytest.mark.parametrize("handler", HANDLERS)
@pytest.mark.parametrize("tries", TRIES)
class TestWhatBecomesOfAJob:
    def test_that_ended_well_it_is_deleted(self, handler: str, tries: int) -> None:
        assert decided(handler, tries, None) == WELL

    @pytest.mark.parametrize("error", OWN_FAILURES, ids=repr)
    def test_that_failed_is_up_to_its_handler(self, handler: str, tries: int, error: BaseException) -> None:
        found = decided(handler, tries, error)
        assert type(found) is FAILED[handler][tries]
        assert found.reason == describe(error)
        assert not isinstance(found, Delayed) or (found.seconds, found.counts) == (DELAY * 2 ** (tries - 1), True)

    @pytest.mark.parametrize("error", OWN_FAILURES, ids=repr)
    def test_that_failed_is_up_to_the_rules_of_its_code_first(
        self, handler: str, tries: int, error: BaseException
    ) -> None:
        kind = type(error)
        assert type(decided(handler, tries, error, {kind: "retry"})) is FAILED["decay"][tries]
        assert decided(handler, tries, error, {kind: "discard"}) == Deleted(describe(error))
        assert decided(handler, tries, error, {kind: "bury"}) == Buried(describe(error))
        assert type(decided(handler, tries, error, {ZeroDivisionError: "discard"})) is FAILED[handler][tries]

    @pytest.mark.parametrize("error", NEVER_RUNS, ids=repr)
    def test_that_can_never_run_is_buried(self, handler: str, tries: int, error: BaseException) -> None:
        assert decided(handler, tries, error) == Buried(str(error))
        assert decided(handler, tries, error, {Exception: "discard"}) == Buried(str(error))

    def test_that_a_worker_is_not_set_up_for_is_never_dropped(self, handler: str, tries: int) -> None:
        assert not isinstance(decided(handler, tries, NotConfigured("no session was bound")), Deleted)

    def test_whose_objects_cannot_be_reached_is_tried_again_and_that_is_no_try(self, handler: str, tries: int) -> None:
        error = Unavailable("the database does not answer")
        assert decided(handler, tries, error) == Delayed(DELAY, "the database does not answer")
        assert remembered(Past(tries), error, Delayed(DELAY, "")).tries == tries

    def test_that_asks_for_decay_gets_it(self, handler: str, tries: int) -> None:
        assert decided(handler, tries, ayl.Decay(90, "not yet")) == Delayed(90, "not yet")
        assert decided(handler, tries, ayl.Decay(0)) == Delayed(0, "decay was asked for")
        assert decided(handler, tries, ayl.Decay()) == Delayed(DELAY, "decay was asked for")

    def test_that_asks_for_burial_gets_it(self, handler: str, tries: int) -> None:
        assert decided(handler, tries, ayl.Bury("no such carrier")) == Buried("no such carrier")
        assert decided(handler, tries, ayl.Bury()) == Buried("burial was asked for")

    def test_that_killed_its_worker_is_tried_again_whatever_its_tries(self, handler: str, tries: int) -> None:
        assert decided(handler, tries, WorkerDied("killed by SIGSEGV")) == Delayed(DELAY, "killed by SIGSEGV", True)


def test_a_handler_that_nobody_knows_keeps_the_job_for_an_operator() -> None:
    assert decided("explode", 1, RuntimeError("x")) == Buried("RuntimeError: x")


def test_a_count_of_one_means_one_try() -> None:
    assert decide(Policy("decay", 7, 1), Past(), RuntimeError("x")) == Buried("RuntimeError: x")


def test_a_job_without_a_message_of_its_own_has_rubys_numbers_and_decays() -> None:
    assert Policy() == Policy("decay", 60, 3)


# Backoff


@pytest.mark.parametrize(
    ("delay", "number", "seconds"),
    [
        (60, 1, 60), (60, 2, 120), (60, 3, 240), (60, 6, 1920), (60, 7, 3600), (60, 100, 3600), (1, 12, 2048),
        (0, 1, 0), (0, 50, 0), (86_400, 1, 86_400), (86_400, 9, 86_400), (MAX_U32, MAX_U32, MAX_U32),
        (60, MAX_U32, 3600), (60, 0, 60),
    ],
)  # fmt: skip
def test_each_delay_is_twice_the_one_before_up_to_an_hour_or_what_was_asked_for(
    delay: int, number: int, seconds: int
) -> None:
    assert backoff(delay, number, 0.0) == seconds


@given(st.integers(0, MAX_U32), st.integers(0, MAX_U32), st.floats(0, 1, exclude_max=True))
def test_chance_makes_a_delay_longer_by_a_quarter_at_most_and_never_shorter(
    delay: int, number: int, chance: float
) -> None:
    least = backoff(delay, number, 0.0)
    assert delay <= least <= backoff(delay, number, chance) <= min(MAX_U32, least * 1.25)


def test_a_database_that_is_away_is_asked_ever_later_and_never_in_a_loop() -> None:
    def seconds(delay: int, returns: int) -> int:
        outcome = decide(Policy("decay", delay), Past(returns=returns), Unavailable("away"))
        assert isinstance(outcome, Delayed)
        return outcome.seconds

    assert [seconds(0, returns) for returns in (0, 1, 2, 5, 50)] == [1, 2, 4, 32, 600]
    assert [seconds(60, returns) for returns in (0, 1, 4, 50)] == [60, 120, 600, 600]
    assert seconds(3600, 3) == 3600


# Poison


def test_a_call_that_has_killed_its_worker_three_times_is_buried() -> None:
    died = WorkerDied("killed by SIGKILL")
    assert isinstance(decide(Policy(), Past(kills=1), died), Delayed)
    for handler in HANDLERS:
        found = decide(Policy(handler), Past(kills=2), died)
        assert found == Buried("poison, it has killed its worker 3 times: killed by SIGKILL")


def test_one_of_which_only_the_server_tells_is_not_even_made() -> None:
    assert refusal(Past(kills=2)) is None
    assert str(refusal(Past(kills=3))) == "poison, it has killed its worker 3 times"
    assert str(refusal(Past(kills=4), "it was slow")).endswith("4 times; before that: it was slow")


def test_an_operator_who_gives_it_back_gives_it_one_more_chance_each_time() -> None:
    for _ in range(3):
        life = remembered(Past(kills=3), refusal(Past(kills=3)), Buried("poison"))
        kicked = Past(kills=life.kills, buries=1)
        assert refusal(kicked) is None
        assert refusal(Past(kills=life.kills + 1, buries=1)) is not None
    # In that chance it has failed as other calls do: it comes back, and is poison when it kills once more.
    life = remembered(kicked, ValueError(), Delayed(60, "ValueError", counts=True))
    assert refusal(Past(kills=life.kills)) is None
    assert refusal(Past(kills=life.kills + 1)) is not None


# What is remembered and told


@pytest.mark.parametrize(
    ("error", "tries", "kills"),
    [
        (ValueError(), 3, 1), (TimeToRunExceeded("1 s"), 3, 1), (ayl.Bury(), 3, 1), (WorkerDied("SIGKILL"), 2, 2),
        (Unavailable("away"), 2, 1), (Gone("gone"), 2, 1), (NotConfigured("x"), 2, 1), (ayl.Decay(), 2, 1),
        (None, 2, 1),
    ],
)  # fmt: skip
def test_a_try_is_a_call_that_was_made_and_has_failed(error: BaseException | None, tries: int, kills: int) -> None:
    assert remembered(Past(2, 1), error, Buried("why")) == Life(tries, kills, "why")


def test_what_is_remembered_is_bounded() -> None:
    found = remembered(Past(MAX_U32, MAX_U32), ValueError(), Buried("x" * 60_000))
    assert found == Life(MAX_U32, MOST_KILLS, "x" * MOST_WHY)


@pytest.mark.parametrize(
    ("past", "error", "line"),
    [
        (Past(), ValueError(), "try 1 of 3"),
        (Past(2, 1), ValueError(), "try 3 of 3, 1 kill"),
        (Past(0, 1), WorkerDied("x"), "2 kills"),
        (Past(1, 0), Unavailable("x"), "try 2 of 3"),
        (Past(), Unavailable("x"), ""),
        (Past(1, 3), refusal(Past(kills=3)), "try 1 of 3, 3 kills"),
    ],
)
def test_operators_are_told_how_far_a_job_has_come(past: Past, error: BaseException, line: str) -> None:
    assert told(past, error, 3) == line


# Reasons


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("bad weight"), "ValueError: bad weight"),
        (ValueError("two\n  lines\tand\r\na tab"), "ValueError: two lines and a tab"),
        (ValueError(), "ValueError"),
        (KeyError("k"), "KeyError: 'k'"),
        (Gone("shop.Order 42 exists no more"), "shop.Order 42 exists no more"),
        (Unavailable("no\nanswer"), "no answer"),
        (ayl.Bury("why"), "why"),
    ],
)
def test_a_reason_is_one_line(error: BaseException, line: str) -> None:
    assert describe(error) == line


def test_a_reason_is_printable_whatever_a_call_raises() -> None:
    assert describe(ValueError("\x1b[2J\0red\x07 \u202e")).isprintable()


class Unspeakable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("cannot say")


def test_an_error_that_cannot_say_what_it_is_settles_its_job_all_the_same() -> None:
    assert decided("bury", 1, Unspeakable()).reason.startswith("Unspeakable")


# What user code raises


@pytest.mark.parametrize("delay", [-1, 1.5, "3", True, MAX_U32 + 1, [3]], ids=repr)
def test_a_delay_that_no_server_would_take_is_refused_where_it_is_raised(delay: Any) -> None:
    with pytest.raises(InvalidOption, match="Decay"):
        ayl.Decay(delay)


@pytest.mark.parametrize("delay", [0, 1, MAX_U32, None])
def test_a_delay_reaches_the_ends_of_the_protocol(delay: int | None) -> None:
    assert ayl.Decay(delay).delay == delay
