"""Which lane is next: a strict order, or shares, whatever comes and however many are asked for at once."""

from __future__ import annotations

from collections import Counter, deque

from hypothesis import given
from hypothesis import strategies as st

from ayl.engines.lanes import Shares, Strict, Turns, taken


class Tubes:
    """Lanes that have jobs; each job is the number of its lane."""

    def __init__(self, *ready: int) -> None:
        self.ready = [deque([lane] * jobs) for lane, jobs in enumerate(ready)]
        self.asked = 0

    def ask(self, lane: int, number: int) -> list[int]:
        self.asked += 1
        return [self.ready[lane].popleft() for _ in range(min(number, len(self.ready[lane])))]

    def take(self, turns: Turns, *portions: int) -> list[int]:
        return [job for portion in portions for job in taken(turns, portion, self.ask)]


LANES = st.lists(st.integers(0, 30), min_size=1, max_size=5)
PORTIONS = st.lists(st.integers(1, 64), max_size=20)
SHARES = st.lists(st.integers(1, 9), min_size=1, max_size=5)


@given(LANES, PORTIONS)
def test_in_a_strict_order_a_lane_is_taken_from_when_those_before_it_are_empty(
    ready: list[int], portions: list[int]
) -> None:
    tubes, turns = Tubes(*ready), Strict(len(ready))
    came = tubes.take(turns, *portions)
    assert came == sorted(came)
    assert len(came) == min(sum(portions), sum(ready))


def test_a_lane_that_has_jobs_again_is_first_again() -> None:
    tubes, turns = Tubes(0, 5), Strict(2)
    assert tubes.take(turns, 2) == [1, 1]
    tubes.ready[0].append(0)
    assert tubes.take(turns, 2) == [0, 1]


@given(SHARES, PORTIONS)
def test_of_lanes_that_all_have_jobs_each_has_its_share(shares: list[int], portions: list[int]) -> None:
    tubes = Tubes(*[sum(portions)] * len(shares))
    came = tubes.take(Shares(shares), *portions)
    assert len(came) == sum(portions)
    for lane, share in enumerate(shares):
        assert abs(came.count(lane) - len(came) * share / sum(shares)) < len(shares)


def test_of_each_four_jobs_three_are_of_the_lane_with_three_shares() -> None:
    tubes, turns = Tubes(30, 30), Shares([3, 1])
    came = tubes.take(turns, *[1] * 16)
    assert [Counter(came[first : first + 4]) for first in range(0, 16, 4)] == [Counter({0: 3, 1: 1})] * 4
    assert Counter(tubes.take(turns, 16)) == Counter({0: 12, 1: 4})


@given(SHARES, LANES, PORTIONS)
def test_nothing_stays_while_somebody_asks(shares: list[int], ready: list[int], portions: list[int]) -> None:
    ready = (ready * len(shares))[: len(shares)]
    assert len(Tubes(*ready).take(Shares(shares), *portions)) == min(sum(portions), sum(ready))


@given(SHARES, st.data())
def test_no_lane_with_jobs_is_left_out_for_longer_than_its_share_says(shares: list[int], data: st.DataObject) -> None:
    """Whatever becomes of the others meanwhile."""
    turns = Shares(shares)
    tubes = Tubes(*[0] * len(shares))
    mine = data.draw(st.integers(0, len(shares) - 1))
    waited = 0
    for _ in range(60):
        for lane in data.draw(st.lists(st.integers(0, len(shares) - 1), max_size=6)):
            tubes.ready[lane].append(lane)
        waits = bool(tubes.ready[mine])
        came = tubes.take(turns, 1)
        waited = waited + 1 if waits and came != [mine] else 0
        assert waited <= sum(-(-share // shares[mine]) for share in shares)


def test_what_a_lane_has_not_used_gives_it_no_claim_later() -> None:
    tubes, turns = Tubes(500, 0), Shares([1, 1])
    tubes.take(turns, *[1] * 100, 64)
    tubes.ready[1].extend([1] * 100)
    assert Counter(tubes.take(turns, *[1] * 20)) == Counter({0: 10, 1: 10})


@given(SHARES)
def test_a_portion_asks_each_lane_once_if_all_have_enough_and_twice_at_the_most(shares: list[int]) -> None:
    tubes = Tubes(*[64] * len(shares))
    tubes.take(Shares(shares), 64)
    assert tubes.asked <= len(shares)
    tubes = Tubes(64, *[0] * (len(shares) - 1))
    assert len(tubes.take(Shares(shares), 64)) == 64
    assert tubes.asked <= len(shares) + 1
