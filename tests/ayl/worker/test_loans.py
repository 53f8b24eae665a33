"""What a dead child leaves: known from its tally, whatever it was doing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from ayl.worker.loans import Estate, Loans
from ayl.worker.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ayl.life import Standing


@dataclass(frozen=True)
class Paper:
    """A lease that nobody settles."""

    job_id: int
    body: bytes = b""
    since: float = 0.0
    is_new: bool = True
    successor: int | None = None

    def standing(self) -> Standing | None: ...

    def touch(self) -> bool: ...  # type: ignore[empty-body]

    def swap(self, body: bytes) -> bool: ...  # type: ignore[empty-body]

    def delete(self) -> bool: ...  # type: ignore[empty-body]

    def release(self, delay: int, body: bytes | None = None) -> bool: ...  # type: ignore[empty-body]

    def bury(self, body: bytes | None = None) -> bool: ...  # type: ignore[empty-body]


JOBS = [Paper(job_id) for job_id in (11, 12, 13, 14)]


@pytest.fixture
def loans() -> Loans:
    loans = Loans()
    assert loans.lend(JOBS[:1]) == [1]
    assert loans.lend(JOBS[1:]) == [2, 3, 4]
    return loans


@pytest.fixture
def tally() -> Iterator[Tally]:
    with Tally.shared() as (tally, _):
        yield tally
    tally.close()


def test_the_job_that_runs_is_to_blame_and_those_before_are_done_and_those_behind_are_not_begun(loans: Loans) -> None:
    assert loans.estate(3) == Estate(done=JOBS[:2], ran=JOBS[2], unbegun=JOBS[3:])


def test_between_two_jobs_nobody_is_to_blame(loans: Loans) -> None:
    assert loans.estate(-3) == Estate(done=JOBS[:3], ran=None, unbegun=JOBS[3:])


def test_before_the_first_job_none_is_begun(loans: Loans) -> None:
    assert loans.estate(0) == Estate(done=[], ran=None, unbegun=JOBS)


def test_what_is_settled_is_not_left(loans: Loans) -> None:
    loans.settled(1, 3)
    assert loans.get(3) is None
    assert loans.estate(3) == Estate(done=JOBS[1:2], ran=None, unbegun=JOBS[3:])


def test_of_a_connection_that_is_lost_nothing_is_left_and_numbers_go_on(loans: Loans) -> None:
    loans.drop()
    assert loans.estate(2) == Estate([], None, [])
    assert loans.lend(JOBS[:2]) == [5, 6]


def test_a_tally_tells_which_job_runs_and_when_it_is_done(tally: Tally) -> None:
    assert tally.at == 0
    tally.begin(3)
    assert tally.at == 3
    tally.end(3)
    assert tally.at == -3


def test_a_tally_tells_whose_lease_is_to_be_kept_alive_and_how_long_it_is(tally: Tally) -> None:
    tally.begin(7)
    tally.keep(120)
    assert (tally.kept, tally.seconds) == (7, 120)
    tally.leave()
    assert tally.kept == 0


def test_both_sides_of_a_tally_see_the_same() -> None:
    with Tally.shared() as (ours, descriptor):
        its = Tally(descriptor)
    its.begin(2**40)
    assert ours.at == 2**40
    its.close()
    ours.close()
