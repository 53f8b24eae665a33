"""A short campaign; the long one is `python -m tests.chaos --calls 20000 --seed 1`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from . import events
from .campaign import Campaign
from .events import Run
from .figures import NOBODY, SETTLE_SECONDS, Incident, Sent, judged, may_be_buried, table

if TYPE_CHECKING:
    from pathlib import Path

    from tests.processes.servers import Kind


def test_whatever_breaks_every_call_is_made_and_none_twice_at_once_without_a_reason(kind: Kind, tmp_path: Path) -> None:
    campaign = Campaign(tmp_path, seed=7, kind=kind, workers=3)
    try:
        figures = campaign.run(calls=500, seconds=12)
    finally:
        campaign.close()
    print(table(figures))  # noqa: T201 - for `pytest -s`
    assert figures.done == figures.sent == 500
    assert len(figures.incidents) >= 5, figures
    assert figures.cut_off > 0, figures


# What the calls note


def test_runs_are_read_from_what_calls_have_noted(tmp_path: Path) -> None:
    (tmp_path / "one-12.345.events").write_text(
        "begin 7 1 99 1.500000 -\ndone 7 1 1.750000\nended 7 1 1.760000\nbegin 8 3 99 2.000000 1,2\n"
    )
    first, second = events.read(tmp_path)
    assert first == Run(7, 1, "one", "12.345", 1.5, frozenset(), 1.76, "done")
    assert second == Run(8, 3, "one", "12.345", 2.0, frozenset({1, 2}), None, None)


def test_a_line_that_a_kill_has_torn_does_not_count(tmp_path: Path) -> None:
    (tmp_path / "one-12.345.events").write_text("begin 7 1 99 1.500000 -\ndone 7 1 1.7")
    (run,) = events.read(tmp_path)
    assert run.end is None


# The judge itself

SENT = {1: Sent("long", 10)}


def run(begin: float, end: float | None, how: events.End | None = "done", number: int = 1, *alive: int) -> Run:
    """An attempt at call 1, made by the worker of that number."""
    return Run(1, number, f"worker{number}", f"{number}00.1", begin, frozenset(alive), end, how)


def test_one_run_that_was_done_is_well() -> None:
    figures = judged(SENT, [run(0, 5)], [])
    assert (figures.done, figures.lost, figures.wrong()) == (1, [], [])


@pytest.mark.parametrize("runs", [[], [run(0, 1, "failed")], [run(0, None, None)], [run(0, 1, "dies")]])
def test_a_call_that_was_never_done_is_lost(runs: list[Run]) -> None:
    figures = judged(SENT, runs, [])
    assert figures.lost == [1]
    assert "1 calls are lost: [1]" in figures.wrong()


KILL = Incident("a process was killed", 4, 4, "worker1", "100")

DEADLY = {2: Sent("deadly", 10, deadly=True)}
DEATH = [
    Run(2, 1, "worker1", "100.1", 2.5, frozenset(), 3, "dies"),
    Run(2, 2, "worker1", "101.1", 4.5, frozenset(), 5, "done"),
]
"""A call that ends the process of call 1, and is made again."""

AGAIN = [run(0, 3), run(5, 6, number=2)]


@pytest.mark.parametrize(
    ("incident", "explained"),
    [
        (Incident("cut", 2, 2.1, "worker1"), True),
        (Incident("cut", 3 + SETTLE_SECONDS / 2, 4, "worker1"), True),
        (Incident("cut", -9, -8, "worker1"), False),
        (Incident("cut", 4.9, 5, "worker1"), False),
        (Incident("cut", 2, 2.1, "worker2"), True),  # its job came late, after its lease had ended
        (Incident("cut", -9, -8, "worker2"), False),
        (Incident("cut", 5.1, 5.2, "worker2"), False),
        (Incident("server", 2, 2.1), True),
        (Incident("killed", 3, 3, "worker1", "100"), True),
        (Incident("killed", 3, 3, "worker1", "200"), False),
    ],
)
def test_what_was_done_is_done_again_only_for_a_reason(incident: Incident, explained: bool) -> None:
    figures = judged(SENT, AGAIN, [incident])
    assert figures.doubles == ({incident.what: 1} if explained else {})
    assert (figures.wrong() == []) is explained


@pytest.mark.parametrize(("begin", "explained"), [(0.9, True), (2.5, False)])
def test_a_failure_that_was_being_written_down_may_leave_two_jobs(begin: float, explained: bool) -> None:
    runs = [run(0, 1, "failed"), run(5, 6, number=2), run(9, 9.5, number=3)]
    figures = judged(SENT, runs, [Incident("cut", begin, begin + 0.1, "worker1")])
    assert figures.doubles == ({"cut, while a failure was written down": 1} if explained else {})
    assert (figures.wrong() == []) is explained


def test_a_call_that_ends_its_process_may_cost_another_its_settlement() -> None:
    figures = judged(SENT | DEADLY, [*AGAIN, *DEATH], [])
    assert figures.doubles == {"a process ended by a call": 1}
    assert figures.wrong() == []


def test_a_process_that_nobody_kills_lets_its_calls_come_to_their_end() -> None:
    runs = [run(0, None, None), run(5, 7, number=2)]
    (sentence,) = judged(SENT, runs, [Incident("a process got SIGTERM", 1, 1, "worker1", NOBODY)]).wrong()
    assert sentence.startswith("nobody has killed its process: long")
    assert judged(SENT, runs, [KILL]).wrong() == []
    assert judged(SENT | DEADLY, [*runs, *DEATH], []).wrong() == []


TWICE = [run(0, 6), run(5, 7, number=2)]


@pytest.mark.parametrize(
    ("incident", "explained"),
    [
        (Incident("cut", 2, 2.1, "worker1"), True),
        (Incident("cut", 5.5, 5.6, "worker1"), False),
        (Incident("cut", 2, 2.1, "worker2"), True),
        (Incident("cut", 5.5, 5.6, "worker2"), False),
        (Incident("cut", 2, 2.1, "worker3"), False),
        (Incident("server", 2, 2.1), True),
    ],
)
def test_two_at_the_same_moment_need_a_lost_lease(incident: Incident, explained: bool) -> None:
    figures = judged(SENT, TWICE, [incident])
    assert figures.overlaps == ({incident.what: 1} if explained else {})
    assert (figures.wrong() == []) is explained
    if not explained:
        assert figures.wrong()[0].startswith("two at the same moment: long")


def test_a_run_beyond_its_time_is_a_reason_and_is_measured() -> None:
    figures = judged({1: Sent("overrunning", 1)}, [run(0, 2.5), run(1.1, 1.2, number=2)], [])
    assert figures.overlaps == {"its time to run was over": 1}
    assert figures.longest_overrun == 1.5
    cut_off = judged({1: Sent("overrunning", 1)}, [run(0, None, None), run(1.2, 1.3, "done", 2, 1)], [])
    assert cut_off.overlaps == {"its time to run was over": 1}
    assert cut_off.longest_overrun == pytest.approx(0.2)


def test_a_run_without_an_end_goes_on_as_long_as_its_process_lives() -> None:
    assert judged(SENT, [run(0, None, None), run(5, 7, "done", 2)], [KILL]).wrong() == []
    assert judged(SENT, [run(0, None, None), run(5, 7, "done", 2, 1)], [KILL]).wrong()


def test_only_what_was_cut_off_again_and_again_may_be_buried() -> None:
    cut_off, failed = run(0, None, None), run(0, 1, "failed")
    assert may_be_buried([cut_off, run(0, 1), cut_off])
    assert may_be_buried([cut_off, failed, cut_off])
    assert not may_be_buried([cut_off, failed, failed, failed])
