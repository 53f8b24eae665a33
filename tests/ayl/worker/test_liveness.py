"""Which slots are stuck."""

from __future__ import annotations

from ayl.worker.liveness import LEAST_SECONDS, TIMEOUTS, Liveness


class Slots:
    def __init__(self, moved_at: float) -> None:
        self.moved_at = moved_at

    def give_back(self) -> bool:
        return False


def is_stuck(timeout: float, *ages: float) -> bool:
    now = 10_000.0
    return Liveness([Slots(now - age) for age in ages], timeout, lambda: None).is_stuck(now)


def test_a_process_is_stuck_when_one_of_its_slots_is() -> None:
    assert not is_stuck(1.0)
    assert not is_stuck(1.0, 0.0, LEAST_SECONDS)
    assert is_stuck(1.0, 0.0, LEAST_SECONDS + 1)


def test_a_server_that_may_take_long_to_answer_has_its_time() -> None:
    assert not is_stuck(20.0, TIMEOUTS * 20.0)
    assert is_stuck(20.0, TIMEOUTS * 20.0 + 1)
