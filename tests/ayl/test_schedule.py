"""Which message runs next in this process."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ayl.engines.schedule import Errand, Schedule
from ayl.engines.submissions import Submission


def errand(name: str, priority: int = 512) -> Errand:
    return Errand(Submission(b"", "t", priority, 0, 120, name, "raise"), 0.0)


def taken(schedule: Schedule, now: float) -> list[str]:
    found = []
    while (next_one := schedule.take(now)) is not None:
        found.append(next_one.submission.id)
    return found


def test_the_urgent_come_first_and_equals_in_their_order() -> None:
    schedule = Schedule()
    for name, priority in (("a", 512), ("b", 0), ("c", 512), ("d", 0)):
        schedule.add(errand(name, priority), 0, 0)
    assert taken(schedule, 0) == ["b", "d", "a", "c"]


def test_the_delayed_come_when_their_time_has_come() -> None:
    schedule = Schedule()
    schedule.add(errand("late"), 10, 5)
    schedule.add(errand("later"), 10, 7)
    assert (schedule.next_due(), taken(schedule, 14.9)) == (15, [])
    assert (taken(schedule, 15), schedule.next_due()) == (["late"], 17)
    assert (schedule.is_empty_until(16.9), schedule.is_empty_until(17)) == (True, False)


def test_what_is_withdrawn_does_not_come() -> None:
    schedule = Schedule()
    schedule.add(errand("a"), 0, 0)
    schedule.add(errand("b"), 0, 1)
    assert [schedule.withdraw(name) for name in ("a", "b", "b", "c")] == [True, True, False, False]
    assert (len(schedule), taken(schedule, 9)) == (0, [])


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=30))
def test_everything_comes_once_and_never_early(added: list[tuple[int, int]]) -> None:
    schedule = Schedule()
    for number, (priority, delay) in enumerate(added):
        schedule.add(errand(str(number), priority), 0, delay)
    came: list[int] = []
    for now in range(5):
        ready = [int(name) for name in taken(schedule, now)]
        assert ready == sorted(ready, key=lambda number: (added[number][0], number))
        assert all(added[number][1] <= now for number in ready)
        came += ready
    assert sorted(came) == [*range(len(added))]
    assert schedule.drain() == []
