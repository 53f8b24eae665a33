"""Workers that die are started again, later and later, and not for ever."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ayl.worker.restarts import FAILED_STARTS, FIRST_SECONDS, MOST_SECONDS, STEADY_SECONDS, Restarts

LIVES = st.lists(st.tuples(st.booleans(), st.floats(0, 100)), max_size=60)
"""Whether a worker loaded its app, and how many seconds it lived after that."""


def waits(lives: list[tuple[bool, float]], restarts: Restarts) -> list[float]:
    """The seconds between each death and the next start."""
    now, found = 0.0, []
    for loads, seconds in lives:
        restarts.started()
        if loads:
            restarts.loaded(now)
        now += seconds
        found.append(restarts.died(now))
        now += found[-1]
    return found


def test_workers_that_die_early_are_started_later_and_later() -> None:
    found = waits([(True, 0.1)] * 8, Restarts())
    assert found == [0.5, 1, 2, 4, 8, 8, 8, 8]


def test_a_worker_that_has_lived_is_started_again_as_soon_as_the_first() -> None:
    found = waits([(True, 0.1), (True, 0.1), (True, 2 * STEADY_SECONDS), (True, 0.1)], Restarts())
    assert found == [0.5, 1, 0.5, 1]


@given(LIVES)
def test_no_wait_is_shorter_than_the_first_or_longer_than_the_longest(lives: list[tuple[bool, float]]) -> None:
    assert all(FIRST_SECONDS <= wait <= MOST_SECONDS for wait in waits(lives, Restarts()))


@given(LIVES)
def test_there_is_no_hope_exactly_when_the_last_few_all_failed_to_load(lives: list[tuple[bool, float]]) -> None:
    restarts = Restarts()
    waits(lives, restarts)
    last = [loads for loads, _ in lives[-FAILED_STARTS:]]
    assert restarts.is_hopeless == (len(last) == FAILED_STARTS and not any(last))
