"""What becomes of a job after its call: a table."""

from __future__ import annotations

from typing import Any

import pytest

import ayl
from ayl.errors import (
    ArgumentsDoNotFit,
    CannotRun,
    Gone,
    InvalidOption,
    NotConfigured,
    Refused,
    Unavailable,
    Undecodable,
    Unreachable,
)
from ayl.failures import Buried, Delayed, Deleted, Policy, decide, describe
from ayl.options import HANDLERS, MAX_U32

DELAY, COUNT, AGE = 7, 3, 60
TRIES = (1, 2, 3, 4, 100)
"""How often a job was reserved: before, at and after its count."""

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


def decided(handler: Any, reserves: int, error: BaseException | None) -> Any:
    return decide(Policy(handler, DELAY, COUNT), reserves, AGE, error)


@pytest.mark.parametrize("handler", HANDLERS)
@pytest.mark.parametrize("reserves", TRIES)
class TestWhatBecomesOfAJob:
    def test_that_ended_well_it_is_deleted(self, handler: str, reserves: int) -> None:
        assert decided(handler, reserves, None) == WELL

    @pytest.mark.parametrize("error", OWN_FAILURES, ids=repr)
    def test_that_failed_is_up_to_its_handler(self, handler: str, reserves: int, error: BaseException) -> None:
        found = decided(handler, reserves, error)
        assert type(found) is FAILED[handler][reserves]
        assert found.reason == describe(error)
        assert not isinstance(found, Delayed) or found.seconds == DELAY

    @pytest.mark.parametrize("error", NEVER_RUNS, ids=repr)
    def test_that_can_never_run_is_buried(self, handler: str, reserves: int, error: BaseException) -> None:
        assert decided(handler, reserves, error) == Buried(str(error))

    def test_that_a_worker_is_not_set_up_for_is_never_dropped(self, handler: str, reserves: int) -> None:
        assert not isinstance(decided(handler, reserves, NotConfigured("no session was bound")), Deleted)

    def test_whose_objects_cannot_be_reached_is_tried_again(self, handler: str, reserves: int) -> None:
        error = Unavailable("the database does not answer")
        assert decided(handler, reserves, error) == Delayed(DELAY, "the database does not answer")

    def test_that_asks_for_decay_gets_it(self, handler: str, reserves: int) -> None:
        assert decided(handler, reserves, ayl.Decay(90, "not yet")) == Delayed(90, "not yet")
        assert decided(handler, reserves, ayl.Decay(0)) == Delayed(0, "decay was asked for")
        assert decided(handler, reserves, ayl.Decay()) == Delayed(DELAY, "decay was asked for")

    def test_that_asks_for_burial_gets_it(self, handler: str, reserves: int) -> None:
        assert decided(handler, reserves, ayl.Bury("no such carrier")) == Buried("no such carrier")
        assert decided(handler, reserves, ayl.Bury()) == Buried("burial was asked for")


def test_a_handler_that_nobody_knows_keeps_the_job_for_an_operator() -> None:
    assert decided("explode", 1, RuntimeError("x")) == Buried("RuntimeError: x")


def test_a_count_of_one_means_one_try() -> None:
    assert decide(Policy("decay", 7, 1), 1, AGE, RuntimeError("x")) == Buried("RuntimeError: x")


def test_a_job_without_a_message_of_its_own_has_rubys_numbers_and_decays() -> None:
    assert Policy() == Policy("decay", 60, 3)


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
