"""A slot takes several jobs at once only where nobody waits for it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ayl.worker.portion import IN_HAND_SECONDS, MOST, SHORT_SECONDS, Portion

QUICK = 0.00005
"""Seconds of a call."""


def sizes(portion: Portion, rounds: int, seconds: float) -> list[int]:
    """While there are jobs enough, each call of which takes so many seconds."""
    found = []
    for _ in range(rounds):
        size = portion.size
        portion.learn(size, size, size, size * seconds)
        found.append(portion.size)
    return found


def test_a_slot_begins_with_one_job_and_doubles_while_there_are_enough_and_calls_are_quick() -> None:
    assert Portion().size == 1
    assert sizes(Portion(), 8, QUICK) == [2, 4, 8, 16, 32, 64, MOST, MOST]


def test_a_portion_and_the_next_one_take_no_longer_than_may_be_in_hand() -> None:
    assert 2 * sizes(Portion(), 8, 0.002)[-1] == int(IN_HAND_SECONDS / 0.002)


def test_calls_that_are_not_short_are_taken_one_by_one() -> None:
    assert sizes(Portion(), 5, SHORT_SECONDS * 1.1) == [1] * 5


def test_one_portion_of_slow_calls_is_believed_at_once_and_quick_ones_only_in_time() -> None:
    portion = Portion()
    sizes(portion, 8, QUICK)
    assert sizes(portion, 1, 1.0) == [1]
    assert sizes(portion, 10, QUICK) == [1] * 10
    assert sizes(portion, 30, QUICK)[-1] == MOST


def test_a_tube_that_gave_fewer_is_waited_at_for_the_next_job() -> None:
    portion = Portion()
    sizes(portion, 8, QUICK)
    portion.learn(MOST, MOST - 1, MOST, MOST * QUICK)
    assert portion.size == 1


ROUNDS = st.lists(st.tuples(st.integers(0, MOST), st.floats(0, 100, allow_nan=False)))


@given(ROUNDS)
def test_whatever_happens_a_portion_is_of_one_to_the_most_and_no_longer_than_allowed(
    rounds: list[tuple[int, float]],
) -> None:
    portion = Portion()
    for came, seconds in rounds:
        asked = portion.size
        ran = min(came, asked)
        portion.learn(asked, ran, ran, seconds)
        assert 1 <= portion.size <= MOST
        if ran and portion.size > 1:
            assert portion.size * seconds / ran <= IN_HAND_SECONDS
