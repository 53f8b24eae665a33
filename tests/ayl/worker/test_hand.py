"""What is in hand, when two threads see to it."""

from __future__ import annotations

from typing import Any

from ayl.worker.hand import Hand


class Told:
    """A source that notes what it is asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, int, bool]] = []

    def delete_and_take(self, leases: list[Any], ready: int, *, wait: bool) -> tuple[list[bool], list[Any]]:
        self.asked.append((len(leases), ready, wait))
        return [True] * len(leases), []


def test_a_hand_that_is_empty_is_left_alone_for_its_slot_may_be_waiting() -> None:
    source: Any = Told()
    hand = Hand(source)
    hand.take_up([])
    assert hand.go_on(1) == []
    hand.lighten(hand.portion)
    assert source.asked == [(0, 0, True)]
