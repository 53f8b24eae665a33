"""The next portion is asked for before the calls of this one are made, and nothing is lost or mistaken by it."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

import pytest

import ayl
from ayl import settings
from ayl.engines import source_for, watch_for
from ayl.errors import Unreachable
from ayl.worker.hand import Hand
from ayl.worker.slots import Bell
from tests.ayl.conftest import Server, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ayl.engines.base import Lease, Source


@ayl.task("ahead.note")
def note(number: int) -> None: ...


@pytest.fixture
def source(tube: str) -> Iterator[Source]:
    bell = Bell()
    source = source_for(settings.current(), watch_for([tube]), bell.fileno())
    yield source
    source.close()
    bell.close()


@pytest.fixture
def hand(source: Source) -> Hand:
    """In which the first of three jobs is, and the others have been asked for."""
    ayl.send_many((note, each) for each in range(3))
    hand = Hand(source)
    first = source.take()
    assert first is not None
    hand.take_up([first])
    hand.ask_ahead(2)
    return hand


def counted(server: Server, tube: str) -> tuple[int, int]:
    """Jobs that are ready, and reserved."""
    with server.client(tube) as client:
        found = client.stats_tube(tube)
        return found["current-jobs-ready"], found["current-jobs-reserved"]


def test_the_server_hands_out_the_next_portion_while_the_calls_of_this_one_are_made(
    server: Server, tube: str, hand: Hand
) -> None:
    wait_until(lambda: counted(server, tube) == (0, 3))
    (first,) = iter(hand.next, None)
    assert first.delete()
    came = hand.go_on(2)
    assert [b'"args":[%d]' % number in lease.body for number, lease in enumerate(came, 1)] == [True, True]
    hand.take_up(came)
    assert all(held.delete() for held in iter(hand.next, None))
    assert hand.go_on(2) == []
    wait_until(lambda: counted(server, tube) == (0, 0))


@pytest.mark.parametrize("question", [lambda lease: lease.touch(), lambda lease: lease.standing().reserves == 1])
def test_what_a_call_asks_meanwhile_is_answered(hand: Hand, question: Callable[[Lease], bool]) -> None:
    first = hand.next()
    assert first is not None
    assert question(first)
    assert first.bury()
    assert [lease.job_id > first.job_id for lease in hand.go_on(2)] == [True, True]


def test_a_lease_that_was_asked_for_ahead_began_no_earlier_than_it_says(hand: Hand) -> None:
    asked = monotonic()
    first, _ = hand.go_on(2)
    assert first.since <= asked


def test_where_nothing_is_ready_ahead_what_is_done_is_settled_and_the_next_job_waited_for(
    server: Server, tube: str, source: Source, hand: Hand
) -> None:
    hand.take_up(hand.go_on(2))
    hand.ask_ahead(8)
    assert all(held.delete() for held in iter(hand.next, None))
    assert hand.go_on(8) == []
    wait_until(lambda: counted(server, tube) == (0, 0))
    ayl.send(note, 3)
    assert source.take() is not None
    assert source.waited


def test_a_hand_that_is_lightened_gives_back_what_has_been_asked_for(server: Server, tube: str, hand: Hand) -> None:
    first = hand.next()
    assert first is not None
    hand.lighten(hand.portion)
    assert counted(server, tube) == (2, 1)
    assert first.delete()
    hand.take_up(hand.go_on(1, wait=False))
    assert counted(server, tube) == (1, 1)


def test_a_connection_that_was_lost_meanwhile_brings_nothing_and_is_told(source: Source, hand: Hand) -> None:
    source.close()
    with pytest.raises(Unreachable):
        hand.go_on(2)
