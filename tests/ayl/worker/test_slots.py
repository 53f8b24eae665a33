"""Slots side by side: how they are stopped, and what becomes of the process."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from ayl.worker.execution import Next
from ayl.worker.slots import Bell, work_side_by_side

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def bell() -> Iterator[Bell]:
    bell = Bell()
    yield bell
    bell.close()


@pytest.fixture
def signals() -> Iterator[Bell]:
    """Stands for the main thread's: a bell is heard in the same way."""
    bell = Bell()
    yield bell
    bell.close()


def test_a_signal_reaches_all_slots_and_all_are_waited_for(signals: Bell, bell: Bell) -> None:
    begun = threading.Barrier(3)
    ended = []

    def slot() -> Next:
        begun.wait(10)
        signals.ring()
        bell.wait(10)
        ended.append(bell.requested)
        return Next.GO_ON

    assert work_side_by_side([slot] * 3, signals, bell) is Next.GO_ON
    assert ended == [True] * 3


def test_one_that_retires_ends_the_others(signals: Bell, bell: Bell) -> None:
    def other() -> Next:
        bell.wait(10)
        assert bell.requested
        return Next.GO_ON

    assert work_side_by_side([other, lambda: Next.RETIRE, other], signals, bell) is Next.RETIRE


def test_what_crashes_one_comes_out_once_the_others_have_ended(signals: Bell, bell: Bell) -> None:
    ended = []

    def crash() -> Next:
        raise ZeroDivisionError("a defect of ours")

    def other() -> Next:
        bell.wait(10)
        ended.append(bell.requested)
        return Next.GO_ON

    with pytest.raises(ZeroDivisionError, match="a defect of ours"):
        work_side_by_side([crash, other], signals, bell)
    assert ended == [True]


def test_a_bell_stays_readable_for_all_who_watch_it(bell: Bell) -> None:
    bell.ring()
    bell.ring()
    for _ in range(3):
        bell.wait(10)
    assert bell.requested
