"""What is foretold of jobs that come to light one after the other: `ayl.admin.foresight`, with no server."""

from __future__ import annotations

import random

import pytest

from ayl.admin.foresight import MOST, REACH, RIGHT_FOR_ONE, Foresight, in_line
from ayl.admin.waiting import Waiting


def waiting(*ids: int) -> list[Waiting]:
    return [Waiting(number, "buried", 0, 0, 60) for number in ids]


def taken(queue: list[int], ids: list[int]) -> list[int]:
    """Which is the first when each of these has been taken from the queue; 0 for none."""
    fronts = []
    for number in ids:
        queue.remove(number)
        fronts.append(queue[0] if queue else 0)
    return fronts


class TestTrust:
    def test_it_begins_with_one_job(self) -> None:
        foresight = Foresight()
        assert (foresight.jobs, foresight.reach) == (1, REACH)

    def test_it_grows_with_each_guess_that_was_right_up_to_a_bound(self) -> None:
        foresight, queue = Foresight(), [*range(1, 5000)]
        foresight.line = waiting(*queue)
        seen = [1]
        while len(queue) > MOST:
            ids = queue[: foresight.jobs]
            foresight.learn(ids, taken(queue, ids))
            assert foresight.jobs <= 1 + (4999 - len(queue)) / RIGHT_FOR_ONE
            seen.append(foresight.jobs)
        assert seen == sorted(seen)
        assert seen[-1] == MOST

    def test_a_wrong_guess_ends_it(self) -> None:
        foresight = Foresight()
        foresight.line = waiting(*range(1, 100))
        foresight.learn([*range(1, 90)], [*range(2, 91)])
        assert foresight.jobs > 1
        foresight.learn([90, 91], [7, 7])
        assert foresight.jobs == 1
        assert foresight.line[0].id == 92

    def test_where_nothing_was_foretold_nothing_is_learned(self) -> None:
        foresight = Foresight()
        for number in range(1, 100):
            foresight.line = waiting(number)
            foresight.learn([number], [number + 1])
        assert foresight.jobs == 1


@pytest.mark.parametrize(
    ("queue", "ids", "stood", "behind"),
    [
        ([1, 2, 3, 4], [1, 2, 3], [1, 2, 3], []),
        ([1, 2, 3], [1, 2, 3], [1, 2, 3], []),
        ([2, 1, 3], [1, 2, 3], [2, 1, 3], []),
        ([1, 9, 2, 3], [1, 2, 3], [1], [2, 3]),
        ([1, 3, 9, 2], [1, 2, 3], [1, 3, 2], []),
        ([9, 1, 2], [1, 2], [], [1, 2]),
    ],
    ids=str,
)
def test_in_which_order_they_stood_comes_to_light(
    queue: list[int], ids: list[int], stood: list[int], behind: list[int]
) -> None:
    assert in_line(queue[0], ids, taken([*queue], ids)) == (stood, behind)


def test_all_are_in_one_of_both_whatever_their_order() -> None:
    chance = random.Random(6)  # noqa: S311 - to be repeatable
    for _ in range(200):
        queue = chance.sample(range(1, 30), 12)
        ids = sorted(chance.sample(queue, chance.randrange(1, 12)))
        stood, behind = in_line(queue[0], ids, taken([*queue], ids))
        assert sorted(stood + behind) == ids
        fronts = {queue[0], *taken([*queue], ids)}
        assert [number for number in stood if number in fronts] == [
            number for number in queue if number in {*stood} & fronts
        ]
