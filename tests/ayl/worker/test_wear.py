"""A process that has done enough says so after a call, and only now and then again."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ayl.worker.wear import SHORTENED, Limits, Wear, resident

MEGABYTE = 1024**2


def reasons(limits: Limits, calls: int, memory: int = 0) -> list[str]:
    """What a process says after so many calls."""
    said: list[str] = []
    wear = Wear(limits, lambda: memory, said.append)
    for _ in range(calls):
        wear.count()
    return said


def test_without_limits_nothing_is_ever_enough() -> None:
    assert reasons(Limits(), 1000, 1 << 40) == []


def test_after_the_last_call_it_says_so_once() -> None:
    assert reasons(Limits(jobs=10), 9) == []
    assert reasons(Limits(jobs=10), 25) == ["10 calls"]


def test_memory_is_enough_when_it_has_reached_the_limit() -> None:
    assert reasons(Limits(memory=300 * MEGABYTE), 5, 300 * MEGABYTE - 1) == []
    assert reasons(Limits(memory=300 * MEGABYTE), 5, 300 * MEGABYTE) == ["300 MB of memory"]


def test_time_is_enough_when_it_has_run_so_long() -> None:
    wear = Wear(Limits(seconds=60), int, str)
    assert wear.reason(1, 59.9) == ""
    assert wear.reason(1, 60.0) == "60 s"


@given(st.integers(1, 10**9), st.floats(0.001, 1e9), st.floats(0, 1))
def test_limits_are_shortened_by_a_part_and_never_to_nothing(jobs: int, seconds: float, chance: float) -> None:
    found = Limits(jobs, seconds, 5).shortened(chance)
    assert found.jobs is not None
    assert found.seconds is not None
    assert max(1, jobs * (1 - SHORTENED) - 1) <= found.jobs <= jobs
    assert seconds * (1 - SHORTENED) * 0.999 <= found.seconds <= seconds
    assert found.memory == 5


def test_what_is_resident_is_told_in_bytes() -> None:
    before = resident()
    ballast = b"x" * (64 * MEGABYTE)
    assert 48 * MEGABYTE < resident() - before < 80 * MEGABYTE
    assert before > 5 * MEGABYTE
    del ballast
