"""Options: Ruby ayl's names and numbers, checked where they are given."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

import ayl
from ayl.errors import InvalidOption
from ayl.options import HANDLERS, MAX_U32, NAMES, RANGES, Options, fuzzed

if TYPE_CHECKING:
    from tests.ayl.conftest import Outbox

NOW = 1_800_000_000.0
"""Seconds since 1970."""

BOUNDS = [(name, low, high) for name, (low, high) in RANGES.items()]


def test_the_defaults_are_rubys_but_for_the_handler() -> None:
    assert Options() == Options(
        priority=512,
        fuzz=0,
        delay=0,
        time_to_run=120,
        lane="",
        failed_job_handler="decay",
        failed_job_delay=60,
        failed_job_count=3,
    )


def test_every_number_has_a_range() -> None:
    assert {field.name for field in fields(Options) if type(field.default) is int} == set(RANGES)


@pytest.mark.parametrize(("name", "low", "high"), BOUNDS)
def test_a_number_may_lie_at_the_ends_of_its_range(name: str, low: int, high: int) -> None:
    for number in (low, high):
        assert getattr(Options(**{name: number}), name) == number  # type: ignore[arg-type]


@pytest.mark.parametrize(("name", "low", "high"), BOUNDS)
def test_a_number_beyond_its_range_is_refused_with_the_range(name: str, low: int, high: int) -> None:
    for number in (low - 1, high + 1):
        with pytest.raises(InvalidOption, match=f"^{name} is a whole number from {low} to {high}.*, not {number}$"):
            Options(**{name: number})  # type: ignore[arg-type]


@pytest.mark.parametrize("name", RANGES)
@pytest.mark.parametrize("value", ["1", 1.0, True, None, [1], float("nan")], ids=repr)
def test_what_is_no_whole_number_is_refused(name: str, value: Any) -> None:
    with pytest.raises(InvalidOption, match=f"^{name} is a whole number"):
        Options(**{name: value})


def test_a_delay_may_be_a_timedelta_and_never_ends_early() -> None:
    for delay, seconds in ((timedelta(minutes=2), 120), (timedelta(milliseconds=1), 1), (timedelta(), 0)):
        assert Options(delay=delay).seconds_of_delay(NOW) == seconds


def test_a_delay_may_be_a_moment_with_a_time_zone() -> None:
    now = datetime.fromtimestamp(NOW, UTC)
    for moment, seconds in (
        (now + timedelta(hours=1), 3600),
        ((now + timedelta(hours=1)).astimezone(timezone(timedelta(hours=9))), 3600),
        (now + timedelta(seconds=0.2), 1),
        (now - timedelta(days=1), 0),
    ):
        assert Options(delay=moment).seconds_of_delay(NOW) == seconds


def test_a_moment_is_the_one_it_was_on_days_when_clocks_are_changed() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    now = datetime(2026, 10, 25, tzinfo=UTC).timestamp()  # at 01:00 UTC clocks there go from 03:00 to 02:00
    for moment, seconds in (
        (datetime(2026, 10, 25, 2, 30, tzinfo=berlin), 1800),
        (datetime(2026, 10, 25, 2, 30, tzinfo=berlin, fold=1), 5400),
        (datetime(2026, 10, 25, 4, tzinfo=berlin), 3 * 3600),
    ):
        assert Options(delay=moment).seconds_of_delay(now) == seconds


@pytest.mark.parametrize(
    ("delay", "reason"),
    [
        (timedelta(seconds=-1), "delay is a whole number from 0 to"),
        (timedelta(days=60_000), "delay is a whole number from 0 to"),
        (timedelta.max, "delay is a whole number from 0 to"),
        (timedelta.min, "delay is a whole number from 0 to"),
        (datetime(2027, 1, 1), "delay is a datetime without a time zone"),  # noqa: DTZ001 - that is what is wrong
    ],
    ids=str,
)
def test_a_delay_that_no_server_takes_or_that_could_be_any_is_refused(delay: Any, reason: str) -> None:
    with pytest.raises(InvalidOption, match=reason):
        Options(delay=delay)


def test_a_moment_that_is_too_far_away_is_refused_when_it_is_sent() -> None:
    with pytest.raises(InvalidOption, match="delay is at most 4294967295 seconds"):
        Options(delay=datetime(9999, 1, 1, tzinfo=UTC)).seconds_of_delay(NOW)


def test_what_is_sent_has_its_delay_in_seconds(outbox: Outbox) -> None:
    for delay in (timedelta(minutes=1), datetime.now(UTC) + timedelta(minutes=1)):
        ayl.ayl_send_opts([], "append", {"delay": delay}, 1)
    span, moment = (submission.delay for submission in outbox.submissions)
    assert span == 60
    assert 30 <= moment <= 60


@pytest.mark.parametrize("handler", HANDLERS)
def test_the_handlers_are_rubys(handler: Any) -> None:
    assert HANDLERS == ("delete", "decay", "bury")
    assert Options(failed_job_handler=handler).failed_job_handler == handler


@pytest.mark.parametrize("handler", ["Decay", "retry", "", None, 3, ["bury"]], ids=repr)
def test_another_handler_is_refused_with_those_there_are(handler: Any) -> None:
    with pytest.raises(InvalidOption, match=r"^failed_job_handler is one of delete, decay, bury, not "):
        Options(failed_job_handler=handler)


@pytest.mark.parametrize("lane", ["slow", "a-b", "1.2", "$(x)", "_"])
def test_a_lane_is_part_of_a_tubes_name(lane: str) -> None:
    assert Options(lane=lane).lane == lane


@pytest.mark.parametrize("lane", ["-slow", "a/b", "a b", "é", "a@b", "a\n", 3, b"slow"], ids=repr)
def test_a_lane_that_is_no_part_of_a_tubes_name_is_refused(lane: Any) -> None:
    with pytest.raises(InvalidOption, match=r"^lane .* cannot be part of a tube's name"):
        Options(lane=lane)


@pytest.mark.parametrize("lane", [0, False, [], b"", None], ids=repr)
def test_a_lane_that_is_no_text_is_refused_even_if_it_is_empty(lane: Any) -> None:
    with pytest.raises(InvalidOption, match=r"^lane "):
        Options(lane=lane)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("prioritty", "did you mean 'priority'"),
        ("tries", "known are after_commit, delay, failed_job_count, "),
        ("countdown", "here it is called 'delay'"),
        ("ttr", "here it is called 'time_to_run'"),
        ("queue_nam", "did you mean 'queue_name'"),
        ("time-to-run", "did you mean 'time_to_run'"),
        ("failed_job_handlr", "did you mean 'failed_job_handler'"),
        ("", "known are"),
    ],
)
def test_an_unknown_option_is_refused_with_a_hint(name: str, hint: str) -> None:
    with pytest.raises(InvalidOption) as caught:
        ayl.opts(**{name: 3})
    assert f"unknown option {name!r}" in str(caught.value)
    assert hint in str(caught.value)


def test_an_option_that_is_not_even_named_by_text_is_unknown() -> None:
    with pytest.raises(InvalidOption, match="unknown option 1"):
        Options().with_({1: 2})  # type: ignore[dict-item]


def test_the_hint_that_lists_options_lists_all() -> None:
    with pytest.raises(InvalidOption) as caught:
        Options().with_({"?": 1})
    assert all(name in str(caught.value) for name in NAMES)


def test_queue_name_is_rubys_word_for_lane() -> None:
    assert Options().with_({"queue_name": "slow"}) == Options(lane="slow")
    with pytest.raises(InvalidOption, match=r"^lane is given twice, also by another name$"):
        ayl.opts(queue_name="slow", lane="quick")


def test_changed_options_keep_the_rest_and_leave_the_original() -> None:
    original = Options(delay=5, priority=1)
    assert original.with_({"delay": 6}) == Options(delay=6, priority=1)
    assert original == Options(delay=5, priority=1)


def test_changed_options_are_checked_too() -> None:
    with pytest.raises(InvalidOption, match=r"^time_to_run is a whole number from 1 "):
        Options().with_({"time_to_run": 0})


def test_options_stay_as_they_were_made() -> None:
    with pytest.raises(FrozenInstanceError):
        Options().delay = 3  # type: ignore[misc]


NUMBERS = st.integers(0, MAX_U32) | st.sampled_from([0, 1, MAX_U32 - 1, MAX_U32])


@given(NUMBERS, NUMBERS, st.data())
def test_fuzz_adds_a_number_up_to_itself_and_stays_within_the_protocol(priority: int, fuzz: int, data: Any) -> None:
    asked = []

    def choose(below: int) -> int:
        asked.append(below)
        drawn: int = data.draw(st.integers(0, below - 1))
        return drawn

    found = fuzzed(priority, fuzz, choose)
    assert priority <= found <= min(priority + fuzz, MAX_U32)
    assert asked in ([], [fuzz + 1])


def test_without_fuzz_nothing_is_drawn() -> None:
    assert fuzzed(7, 0, lambda _below: pytest.fail("drawn")) == 7


def test_the_greatest_fuzz_reaches_itself() -> None:
    assert fuzzed(10, 5, lambda below: below - 1) == 15
