"""A worker that is to end is asked, asked again, told to give back, and killed at last."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ayl.worker.farewell import LAST_SECONDS, REMINDER_SECONDS, Act, Farewell

SECONDS = st.floats(0, 20)


def story(farewell: Farewell, until: float) -> list[tuple[float, Act]]:
    """What is done when, by somebody who looks whenever something is due."""
    told, now = [], farewell.next()
    while now <= until:
        while (act := farewell.due(now)) is not None:
            told.append((now, act))
        now = farewell.next()
    return told


def test_a_worker_is_reminded_until_the_grace_is_over_and_killed_a_little_later() -> None:
    assert story(Farewell(100.0, 3.5), 1000.0) == [
        (100.0, Act.ASK),
        (100.0 + REMINDER_SECONDS, Act.ASK),
        (100.0 + 3 * REMINDER_SECONDS, Act.ASK),
        (103.5, Act.GIVE_BACK),
        (103.5 + LAST_SECONDS, Act.KILL),
    ]


def test_without_a_grace_it_is_reminded_for_ever() -> None:
    acts = {act for _, act in story(Farewell(0.0, None), 500.0)}
    assert acts == {Act.ASK}


def test_without_time_it_gives_back_at_once() -> None:
    assert story(Farewell(0.0, 0.0), 1.0) == [(0.0, Act.ASK), (0.0, Act.GIVE_BACK)]


@given(SECONDS, SECONDS, SECONDS)
def test_haste_never_gives_more_time(grace: float, later: float, haste: float) -> None:
    farewell = Farewell(0.0, grace)
    before = story(farewell, later)
    farewell.hasten(later, haste)
    acts = before + story(farewell, 1000.0)
    (gave_back,) = (when for when, act in acts if act is Act.GIVE_BACK)
    assert gave_back <= grace
    assert gave_back == (grace if grace <= later else min(grace, later + haste))
    assert [when for when, act in acts if act is Act.KILL] == [gave_back + LAST_SECONDS]
    assert [when for when, _ in acts] == sorted(when for when, _ in acts)
