"""From the records of segments back to jobs."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ayl_server.binlog.records import HEADER_SIZE
from ayl_server.binlog.replay import CorruptionError, Damage, Replay
from ayl_server.model import BURIED, DELAYED, READY, Job, Tube
from ayl_server.protocol import MAX_U64
from tests.conftest import examples

from .machine import seen
from .samples import (
    NOW,
    NUMBER,
    SHIFT,
    Maker,
    a_job,
    changed,
    changed_jobs,
    end,
    gone,
    header,
    jobs,
    laid,
    mark,
    put,
    retired,
    rubbish,
    segment,
)

thorough = settings(max_examples=examples(100), deadline=None, derandomize=True, database=None)

LONG_AGO = 2.0**45
"""On a steady clock that shows so much, every moment of a test is long past."""

SYNCED = "records that had been written and synced are damaged or missing"
TORN = "a write was cut off here; nobody was told of it"


def replay(*, shift: float = SHIFT, now: float = NOW, salvage: bool = False) -> Replay:
    return Replay(shift=shift, now=now, tube=Tube, salvage=salvage)


def fed(*records: Maker, last: bool = True, salvage: bool = False) -> Replay:
    """The replay of one segment that holds these."""
    found = replay(salvage=salvage)
    found.feed(header(), segment(*records) + bytes(20), last=last)
    return found


# Jobs


@thorough
@given(jobs())
def test_a_job_comes_back_as_it_was_but_for_its_lease(job: Job) -> None:
    found = replay(now=LONG_AGO)
    found.feed(header(), segment(put(job)), last=True)
    assert seen(found.jobs[job.id], SHIFT) == seen(job, SHIFT)
    assert found.jobs[job.id].file == NUMBER


@thorough
@given(changed_jobs())
def test_after_a_change_a_job_is_as_the_change_says(pair: tuple[Job, Job]) -> None:
    before, after = pair
    found = replay(now=LONG_AGO)
    found.feed(header(), segment(put(before), changed(after)), last=True)
    assert seen(found.jobs[after.id], SHIFT) == seen(after, SHIFT)


@thorough
@given(changed_jobs())
def test_a_later_whole_record_of_a_job_overrides_all_before_it(pair: tuple[Job, Job]) -> None:
    """As compaction, and a crash in the middle of it, leave them."""
    before, after = pair
    found = replay(now=LONG_AGO)
    found.feed(header(NUMBER), segment(put(before), changed(after), end()), last=False)
    found.feed(header(NUMBER + 1), segment(put(after), head=header(NUMBER + 1)), last=True)
    assert seen(found.jobs[after.id], SHIFT) == seen(after, SHIFT)
    assert found.jobs[after.id].file == NUMBER + 1


def test_a_deleted_job_is_gone() -> None:
    found = fed(put(a_job(1)), put(a_job(2)), changed(a_job(1)), gone(1))
    assert list(found.jobs) == [2]


def test_what_is_told_of_a_job_without_its_whole_record_is_passed_over() -> None:
    """Compaction has taken the job away from here; its whole record comes later, or never if it was deleted."""
    found = fed(changed(a_job(5, state=BURIED, deadline=9.0)), gone(5), changed(a_job(5)))
    assert found.jobs == {}


def test_jobs_of_one_tube_share_it() -> None:
    found = fed(put(a_job(1)), put(a_job(2)))
    assert found.jobs[1].tube is found.jobs[2].tube


# Ids and burials go on where they were


def test_the_last_id_is_the_highest_of_the_header_the_jobs_and_the_deletions() -> None:
    assert fed().last_id == 0
    assert fed(put(a_job(3)), put(a_job(2))).last_id == 3
    assert fed(put(a_job(3)), gone(3)).last_id == 3
    assert fed(gone(8), put(a_job(3))).last_id == 8
    found = replay()
    found.feed(header(last_id=11), segment(put(a_job(3)), head=header(last_id=11)), last=True)
    found.feed(header(last_id=10), segment(head=header(last_id=10)), last=True)
    assert found.last_id == 11
    assert fed(put(a_job(MAX_U64))).last_id == MAX_U64


def test_the_last_burial_is_the_highest_of_the_header_and_the_buried_jobs() -> None:
    assert fed(put(a_job(1, state=BURIED, deadline=4.0)), gone(1)).burials == 4
    assert fed(put(a_job(1)), changed(a_job(1, state=BURIED, deadline=6.0)), changed(a_job(1))).burials == 6
    found = replay()
    found.feed(header(burials=9), segment(head=header(burials=9)), last=True)
    assert found.burials == 9


# Clocks


def test_a_delay_goes_on_by_the_wall_clock_while_nobody_serves() -> None:
    job = a_job(1, state=DELAYED, delay=100, deadline=NOW + 100)
    booted = replay(shift=SHIFT + NOW + 30 - 5.0, now=5.0)  # half a minute later, and up for five seconds
    booted.feed(header(), segment(put(job)), last=True)
    assert booted.jobs[1].deadline == 5.0 + 70


def test_a_delay_is_never_longer_than_asked_for_even_if_the_wall_clock_was_set_back() -> None:
    job = a_job(1, state=DELAYED, delay=100, deadline=NOW + 100)
    for records in ([put(job)], [put(a_job(1)), changed(job)]):
        found = replay(shift=SHIFT - 86_400)
        found.feed(header(), segment(*records), last=True)
        assert found.jobs[1].deadline == NOW + 100


def test_a_job_is_never_younger_than_nothing_even_if_the_wall_clock_was_set_back() -> None:
    found = replay(shift=SHIFT - 86_400)
    found.feed(header(), segment(put(a_job(1, created=NOW))), last=True)
    assert found.jobs[1].created == NOW


def test_a_clock_set_forward_makes_jobs_older_and_delays_shorter() -> None:
    found = replay(shift=SHIFT + 60)
    job = a_job(1, state=DELAYED, delay=100, deadline=NOW + 100, created=NOW)
    found.feed(header(), segment(put(job)), last=True)
    assert (found.jobs[1].created, found.jobs[1].deadline) == (NOW - 60, NOW + 40)


def test_the_clocks_mean_nothing_to_the_order_of_the_buried() -> None:
    found = replay(shift=0.0, now=0.0)
    found.feed(header(), segment(put(a_job(1, state=BURIED, deadline=17.0))), last=True)
    assert found.jobs[1].deadline == 17.0


# Where segments end


def test_records_behind_an_end_are_not_read() -> None:
    found = fed(put(a_job(1)), end(), put(a_job(2)), last=False)
    assert found.closed
    assert list(found.jobs) == [1]


def test_the_last_segment_ends_where_zeros_begin_and_nothing_is_said_of_it() -> None:
    data = segment(put(a_job(1)))
    found = replay()
    stop = found.feed(header(), data + bytes(100), last=True)
    assert (stop, found.closed, found.torn, found.damages) == (len(data), False, None, [])


def test_a_segment_without_any_record_is_fine() -> None:
    found = replay()
    assert found.feed(header(), segment() + bytes(100), last=True) == HEADER_SIZE
    assert found.torn is None


@given(st.integers(1, 70))
@settings(deadline=None, derandomize=True, database=None)
def test_a_torn_tail_is_cut_and_told(size: int) -> None:
    data = segment(put(a_job(1)), put(a_job(2)), marked=True)
    torn = laid(put(a_job(3, b"x" * 20)))[:size]
    found = replay()
    assert found.feed(header(), data + torn + bytes(100), last=True) == len(data)
    assert list(found.jobs) == [1, 2]
    assert found.torn == Damage(NUMBER, len(data), None, TORN)


def test_good_records_behind_a_torn_one_are_cut_as_well_because_no_mark_says_that_it_was_synced() -> None:
    data = segment(put(a_job(1)), rubbish(b"\7" * 30), put(a_job(2)))
    found = replay()
    assert found.feed(header(), data + bytes(20), last=True) == len(segment(put(a_job(1))))
    assert list(found.jobs) == [1]
    assert found.torn is not None


def test_damage_before_a_mark_is_refused_with_its_place() -> None:
    place = len(segment(put(a_job(1))))
    with pytest.raises(CorruptionError) as refusal:
        replay().feed(header(), segment(put(a_job(1)), rubbish(bytes(50)), marked=True), last=True)
    assert refusal.value.damage == Damage(NUMBER, place, None, SYNCED)
    assert str(refusal.value) == SYNCED


def test_an_older_segment_must_have_its_end() -> None:
    data = segment(put(a_job(1)))
    with pytest.raises(CorruptionError) as refusal:
        replay().feed(header(), data + bytes(100), last=False)
    assert refusal.value.damage == Damage(NUMBER, len(data), None, SYNCED)


def test_a_file_that_is_shorter_than_it_was_is_refused() -> None:
    head = header(capacity=1000)
    with pytest.raises(CorruptionError, match="the file is cut off; it had 1000 bytes") as refusal:
        replay().feed(head, segment(put(a_job(1)), head=head).ljust(999, b"\0"), last=True)
    assert refusal.value.damage.offset == 999


def two_segments(*records: Maker, end_of_first: int = NUMBER + 1, salvage: bool = False) -> Replay:
    """The replay of a job in one segment and these records in the next."""
    found = replay(salvage=salvage)
    found.feed(header(NUMBER), segment(put(a_job(1)), end(end_of_first)), last=False)
    found.feed(header(NUMBER + 1), segment(*records, head=header(NUMBER + 1)) + bytes(20), last=True)
    return found


@pytest.mark.parametrize(
    ("records", "numbers", "missing"),
    [
        ([], [NUMBER, NUMBER + 1], 1),
        ([retired(NUMBER - 3)], [NUMBER, NUMBER + 1], NUMBER - 2),
        ([retired(NUMBER - 1), retired(NUMBER - 2)], [NUMBER, NUMBER + 2], NUMBER + 1),
        ([retired(NUMBER - 1), end(NUMBER + 2)], [NUMBER, NUMBER + 1], NUMBER + 2),
    ],
    ids=["the first", "the oldest", "one in the middle", "the last"],
)
def test_a_missing_file_is_refused(records: list[Maker], numbers: list[int], missing: int) -> None:
    with pytest.raises(CorruptionError, match="the file is missing") as refusal:
        two_segments(*records).finish(numbers)
    assert refusal.value.damage == Damage(missing, 0, None, "the file is missing")


def test_a_file_that_is_needed_no_more_may_be_missing() -> None:
    found = two_segments(put(a_job(2)), retired(NUMBER - 1))
    found.finish([NUMBER, NUMBER + 1])
    assert list(found.jobs) == [1, 2]


def test_what_a_file_holds_that_was_to_go_does_not_come_back() -> None:
    """The file that told of its deletion may have gone."""
    found = two_segments(put(a_job(2)), retired(NUMBER))
    found.finish([NUMBER, NUMBER + 1])
    assert list(found.jobs) == [2]


def test_a_file_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(CorruptionError, match="its header is damaged") as refusal:
        replay().note_unreadable(4, "its header is damaged")
    assert refusal.value.damage == Damage(4, 0, None, "its header is damaged")


# Salvage


def test_salvage_goes_on_behind_the_damage_and_tells_how_much_was_passed_over() -> None:
    place = len(segment(put(a_job(1))))
    before = [put(a_job(1)), rubbish(b"\1" * 33), put(a_job(2))]
    data = segment(*before, mark(len(segment(*before))), put(a_job(3)))
    found = replay(salvage=True)
    found.feed(header(), data + bytes(9), last=True)
    assert list(found.jobs) == [1, 2, 3]
    assert found.damages == [Damage(NUMBER, place, 33, SYNCED)]


def test_salvage_of_an_older_segment_without_an_end_loses_only_what_is_damaged() -> None:
    found = fed(put(a_job(1)), rubbish(b"\1" * 9), put(a_job(2)), last=False, salvage=True)
    assert list(found.jobs) == [1, 2]
    assert [damage.lost for damage in found.damages] == [9, None]


def test_salvage_notes_what_is_missing_cut_off_or_unreadable() -> None:
    found = replay(salvage=True)
    found.note_unreadable(2, "its header is damaged")
    head = header(3, capacity=4096)
    found.feed(head, segment(put(a_job(1)), head=head), last=True)
    found.finish([2, 3])
    assert [(damage.number, damage.reason) for damage in found.damages] == [
        (2, "its header is damaged"),
        (3, "the file is cut off; it had 4096 bytes"),
        (1, "the file is missing"),
    ]
    assert list(found.jobs) == [1]


def test_salvage_makes_no_damage_of_a_torn_tail() -> None:
    found = fed(put(a_job(1)), rubbish(b"\1" * 40), salvage=True)
    assert (list(found.jobs), found.damages) == ([1], [])
    assert found.torn is not None


def test_a_ready_job_needs_no_history() -> None:
    job = fed(put(a_job(1))).jobs[1]
    assert (job.state, job.history) == (READY, None)
