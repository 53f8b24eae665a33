"""What systemd hears again and again of a process: pure, but for the socket."""

from __future__ import annotations

from contextlib import contextmanager
from math import inf
from typing import TYPE_CHECKING

import pytest

from ayl.daemons.signs import Signs
from ayl.systemd import Notifier
from tests.processes.listener import Listener, listening

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME = "@ayl-test-signs"


@pytest.fixture
def listener() -> Iterator[Listener]:
    with listening(NAME) as listener:
        yield listener


@contextmanager
def signs(period: str = "") -> Iterator[Signs]:
    notifier = Notifier({"NOTIFY_SOCKET": NAME, "WATCHDOG_USEC": period}, 1)
    yield Signs(notifier)
    notifier.close()


def test_one_that_starts_asks_for_a_minute_every_20_seconds(listener: Listener) -> None:
    with signs() as found:
        for now in range(61):
            found.give(float(now), is_starting=True)
    assert [listener.plea() for _ in range(4)] == ["60000000"] * 4
    assert listener.silent()
    assert found.due == 80.0


def test_one_that_works_asks_no_more(listener: Listener) -> None:
    with signs() as found:
        found.give(0.0, is_starting=False)
        found.give(1.0, is_starting=True)
    assert listener.silent()
    assert found.due == inf


def test_signs_of_life_are_given_twice_in_each_period(listener: Listener) -> None:
    with signs("2000000") as found:
        for now in (0.0, 0.5, 1.0, 1.5):
            found.give(now, is_starting=False)
    assert [listener.any() for _ in range(2)] == [{"WATCHDOG": "1"}] * 2
    assert listener.silent()
    assert found.due == 2.0


def test_nobody_is_told_where_nobody_listens() -> None:
    assert Signs(Notifier({}, 1)).due == inf
