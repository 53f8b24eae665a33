"""Reading beanstalkd's own binlog: what real servers wrote, what is damaged, and what nobody wrote at all."""

from __future__ import annotations

import signal
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ayl_server.binlog.beanstalkd import Damage, Takeover, file_number, is_beanstalkd_file, read

from . import beanstalkd_v5
from .beanstalkd_server import beanstalkd, bury, churn, files, take_over, told
from .beanstalkd_stories import found, left, stories
from .beanstalkd_writer import (
    BIRTH,
    BURIED,
    DELAYED,
    DELETED,
    FORMATS,
    OFFSETS,
    READY,
    RESERVED,
    SECOND,
    V7,
    Format,
    Record,
    log,
)

if TYPE_CHECKING:
    from pathlib import Path

    from .beanstalkd_server import Client

every_format = pytest.mark.parametrize("form", FORMATS, ids=lambda form: f"v{form.version}-{form.order}")

thorough = settings(
    max_examples=120, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)  # the same examples each time: what damage does is a matter of chance, but a test's outcome must not be


def reading(*contents: bytes) -> Takeover:
    """These files, from binlog.1 on."""
    return read([(f"binlog.{n}", content) for n, content in enumerate(contents, 1)])


def ids(takeover: Takeover) -> list[int]:
    return [job.id for job in takeover.jobs]


ONE, TWO, THREE = Record(1, body=b"one"), Record(2, body=b"two", created=BIRTH + 1000), Record(3, created=BIRTH + 2000)


def change(record: Record, state: int, **fields: int) -> Record:
    return replace(record, whole=False, state=state, **fields)  # type: ignore[arg-type]


# What is read


@every_format
def test_a_job_is_found_as_it_was_put(form: Format) -> None:
    record = Record(
        7, DELAYED, pri=2**32 - 1, delay=3, ttr=9, created=BIRTH + 250_000_000, deadline=BIRTH + 3 * SECOND,
        reserves=1, timeouts=2, releases=3, buries=4, kicks=2**32 - 1, tube=b"a/b", body=b"\r\n\0\xff",
    )  # fmt: skip
    takeover = reading(log(record, form=form))
    assert takeover == Takeover([found(record)], [], 7, [])
    assert takeover.jobs[0].created == BIRTH / SECOND + 0.25
    assert takeover.jobs[0].deadline == BIRTH / SECOND + 3


@every_format
@pytest.mark.parametrize(
    ("state", "name"), [(READY, "ready"), (RESERVED, "ready"), (BURIED, "buried"), (DELAYED, "delayed")]
)
def test_a_state_is_kept_but_a_lease_is_over(form: Format, state: int, name: str) -> None:
    (job,) = reading(log(replace(ONE, state=state), form=form)).jobs
    assert job.state == name


@every_format
def test_a_change_replaces_everything_but_tube_and_body(form: Format) -> None:
    changed = change(ONE, DELAYED, pri=1, delay=7, deadline=BIRTH + 7 * SECOND, reserves=1, releases=1)
    assert reading(log(ONE, TWO, changed, form=form)).jobs == [found(changed), found(TWO)]


def test_only_a_delayed_job_has_a_deadline() -> None:
    (job,) = reading(log(replace(ONE, deadline=BIRTH + SECOND))).jobs
    assert job.deadline == 0


@every_format
def test_a_deleted_job_is_gone_but_its_id_stays_used(form: Format) -> None:
    assert reading(log(ONE, TWO, change(TWO, DELETED), form=form)) == Takeover([found(ONE)], [], 2, [])


def test_changes_are_found_in_later_files() -> None:
    assert reading(log(ONE, TWO), log(change(ONE, DELETED)), log(THREE)).jobs == [found(TWO), found(THREE)]


def test_the_change_of_a_job_that_went_with_an_older_file_only_tells_a_used_id() -> None:
    assert reading(log(change(THREE, DELETED), ONE)) == Takeover([found(ONE)], [], 3, [])


def test_jobs_come_by_id_wherever_they_were_moved() -> None:
    assert ids(reading(log(TWO, THREE), log(change(TWO, READY), ONE), log(THREE, TWO))) == [1, 2, 3]


def test_a_moved_job_is_one_job_in_its_latest_state() -> None:
    moved = replace(ONE, reserves=3, pri=9)
    assert reading(log(ONE, TWO), log(moved)) == Takeover([found(moved), found(TWO)], [], 2, [])


@pytest.mark.parametrize("size", [0, 65_535, 65_536, 20_000_000])
def test_a_body_may_have_any_size(size: int) -> None:
    big = replace(ONE, body=b"x" * size)
    assert reading(log(big, TWO)) == Takeover([found(big), found(TWO)], [], 2, [])


def test_the_largest_delays_and_times_to_run_are_kept() -> None:
    long = replace(ONE, delay=2**32 - 1, ttr=2**32 - 1)
    assert reading(log(long)).jobs == [found(long)]


def test_parts_of_seconds_are_rounded_up() -> None:
    (job,) = reading(log(ONE.raw(delay=1_500_000_000, ttr=1))).jobs
    assert (job.delay, job.ttr) == (2, 1)


def test_a_body_that_is_a_piece_of_a_binlog_is_only_a_body() -> None:
    piece = log(TWO, change(TWO, DELETED), THREE, change(ONE, DELETED), padding=50)
    for cut in range(len(piece)):
        for body in (piece[:cut], piece[cut:]):
            keeper = replace(ONE, body=body)
            takeover = reading(log(keeper, replace(TWO, body=b"x")))
            assert takeover.jobs == [found(keeper), found(replace(TWO, body=b"x"))]


def test_nothing_is_found_in_nothing() -> None:
    assert read([]) == Takeover([], [], 0, [])


# The order of the buried


def test_the_buried_come_in_the_order_of_their_last_burial() -> None:
    puts, (one, two, three) = (ONE, TWO, THREE), (change(job, BURIED) for job in (ONE, TWO, THREE))
    assert reading(log(*puts, three, one, two)).buried == [3, 1, 2]
    assert reading(log(*puts, three, one, two, one)).buried == [3, 2, 1]
    assert reading(log(*puts, three, one, change(THREE, READY), two, three)).buried == [1, 2, 3]
    assert reading(log(*puts, three, one, two, change(ONE, DELETED))).buried == [3, 2]


def test_a_buried_job_keeps_its_place_when_it_is_moved() -> None:
    buried = log(ONE, TWO, change(TWO, BURIED), change(ONE, BURIED))
    assert reading(buried, log(replace(TWO, state=BURIED))).buried == [2, 1]


def test_a_burial_counts_though_its_job_was_moved_behind_it_and_the_older_copy_is_gone() -> None:
    moved = log(replace(TWO, state=BURIED))
    assert reading(log(change(TWO, BURIED), ONE, change(ONE, BURIED)), moved).buried == [2, 1]
    assert reading(log(ONE, change(ONE, BURIED), change(TWO, BURIED)), moved).buried == [1, 2]


def test_a_burial_that_no_file_tells_was_before_all_others_and_the_earlier_the_earlier_its_lease() -> None:
    moved = [replace(job, state=BURIED, deadline=BIRTH + ends) for job, ends in ((ONE, 3000), (TWO, 2000))]
    assert reading(log(THREE, change(THREE, BURIED), *moved)).buried == [2, 1, 3]


# What is damaged

NOT_READ = replace(TWO, created=BIRTH + 7)
"""Not the same job as TWO, as far as a change can tell."""

FLAWS: dict[str, tuple[bytes, str]] = {
    "a name too long": (TWO.raw(length=201), "a tube's name of 201 bytes is impossible"),
    "a negative length": (TWO.raw(length=-1), "a tube's name of -1 bytes is impossible"),
    "no room for CR LF": (TWO.raw(size=1), "a body of 1 bytes is impossible"),
    "a negative size": (TWO.raw(size=-5), "a body of -5 bytes is impossible"),
    "a size too small": (TWO.raw(size=4), "the body does not end with CR LF"),
    "a size too large": (TWO.raw(size=6), "the body does not end with CR LF"),
    "a size beyond the file": (TWO.raw(size=2**30), "the file ends inside this record"),
    "no CR LF": (TWO.raw()[:-2] + b"\n\n", "the body does not end with CR LF"),
    "no id": (TWO.raw(id=0), "the id 0 is impossible"),
    "the last ids": (TWO.raw(id=2**63), "the id 9223372036854775808 is impossible"),
    "an unknown state": (TWO.raw(state=5), "job 2 has an unknown state, 5"),
    "a delete with a body": (TWO.raw(state=0), "job 2 is marked as deleted, but has a body"),
    "an illegal name": (replace(TWO, tube=b"-a").raw(), "job 2 is in a tube with an illegal name"),
    "a change in an unknown state": (change(ONE, 9).raw(), "job 1 has an unknown state, 9"),
    "a change of another age": (
        change(replace(ONE, created=BIRTH + 1), DELETED).raw(),
        "a change of job 1 tells another size, time to run or age than the job has",
    ),
    "a change of another time to run": (
        change(replace(ONE, ttr=1), DELETED).raw(),
        "a change of job 1 tells another size, time to run or age than the job has",
    ),
    "a change of another size": (
        change(ONE, DELETED).raw(size=6),
        "a change of job 1 tells another size, time to run or age than the job has",
    ),
    "a change of no size": (
        change(TWO, DELETED).raw(size=0),
        "a change of job 2 tells a body of 0 bytes, which is impossible",
    ),
    "a change of an unknown job without times": (
        change(TWO, DELETED).raw(ttr=0),
        "a change of job 2, which is not known, has impossible times",
    ),
    "zeros": (bytes(84), "there are zeros where a record should begin"),
    "zeros of odd length": (bytes(4099), "there are zeros where a record should begin"),
}


@pytest.mark.parametrize("flaw", FLAWS)
def test_what_beanstalkd_cannot_have_written_is_reported_and_what_follows_is_read(flaw: str) -> None:
    raw, reason = FLAWS[flaw]
    takeover = reading(log(ONE, raw, THREE))
    offset, onward = len(log(ONE)), len(log(ONE, raw))
    assert takeover.damages == [Damage("binlog.1", offset, f"behind job 1: {reason}; reading went on at {onward}.")]
    assert takeover.jobs == [found(ONE), found(THREE)]


@pytest.mark.parametrize("flaw", FLAWS)
def test_a_flaw_at_the_very_end_is_reported_unless_it_is_zeros(flaw: str) -> None:
    raw, _ = FLAWS[flaw]
    takeover = reading(log(ONE, raw, padding=500))
    assert takeover.jobs == [found(ONE)]
    if any(raw):
        (damage,) = takeover.damages
        assert damage.offset == len(log(ONE))
        assert "nothing readable follows" in damage.reason


def test_behind_a_damaged_record_a_change_of_a_known_job_is_found_too() -> None:
    takeover = reading(log(ONE, TWO.raw(length=-1), change(ONE, DELAYED, delay=5)))
    assert takeover.jobs == [found(change(ONE, DELAYED, delay=5))]


def test_behind_a_damaged_record_zeros_do_not_hide_where_the_next_begins() -> None:
    assert reading(log(ONE, TWO.raw(length=-1) + bytes(2), change(ONE, DELETED))).jobs == []


def test_a_damaged_record_of_sound_lengths_is_passed_over_whatever_its_body_says() -> None:
    keeper = replace(TWO, state=9, body=log(THREE))
    assert reading(log(ONE, keeper, replace(ONE, id=4))).jobs == [found(ONE), found(replace(ONE, id=4))]


@pytest.mark.parametrize("spoiled", [{"delay": -1}, {"delay": 1}, {"ttr": 0}, {"ttr": SECOND + 1}, {"created": 0}])
def test_what_looks_like_a_record_somewhere_is_none_if_its_times_are_odd(spoiled: dict[str, int]) -> None:
    wreck = b"\xff" * 50 + THREE.raw(**spoiled) + b"\xff" * 50
    assert reading(log(ONE, wreck, TWO)).jobs == [found(ONE), found(TWO)]


@every_format
def test_a_page_that_was_never_written_costs_only_what_was_on_it(form: Format) -> None:
    records = [Record(n, created=BIRTH + 1000 * n, body=b"%d" % n) for n in range(1, 400)]
    content = bytearray(log(*records, form=form))
    for page in (1, 4):
        content[page * 4096 : (page + 1) * 4096] = bytes(4096)
    takeover = reading(bytes(content))
    size = len(records[-1].raw(form))
    assert len(takeover.damages) == 2
    assert len(takeover.jobs) > 399 - 2 * (4096 / (size - 2) + 2)
    assert takeover.jobs == [found(records[job.id - 1]) for job in takeover.jobs]


@pytest.mark.parametrize(
    "head", [(8).to_bytes(4, "little"), (8).to_bytes(4, "big"), (6).to_bytes(4, "little"), b"PK\3\4", b"ayl1"]
)
def test_an_unknown_version_is_reported_and_the_other_files_are_read(head: bytes) -> None:
    takeover = reading(head + log(ONE)[4:], log(TWO))
    assert takeover.jobs == [found(TWO)]
    (damage,) = takeover.damages
    assert (damage.file, damage.offset) == ("binlog.1", 0)
    assert "is not known: nothing of this file is read" in damage.reason


def test_the_unknown_version_is_named() -> None:
    (damage,) = reading(b"\0\0\0\x08rest").damages
    assert damage.reason == "version 8 of the binlog is not known: nothing of this file is read."


@every_format
def test_where_the_version_is_wiped_out_that_of_the_file_before_is_taken(form: Format) -> None:
    takeover = reading(log(ONE, form=form), bytes(4) + log(TWO, form=form)[4:])
    assert takeover.jobs == [found(ONE), found(TWO)]
    assert [damage.file for damage in takeover.damages] == ["binlog.2"]


@pytest.mark.parametrize("content", [b"", b"\0", bytes(4), bytes(10_000)])
def test_a_file_to_which_nothing_was_written_yet_is_harmless(content: bytes) -> None:
    assert reading(content, log(ONE)) == Takeover([found(ONE)], [], 1, [])


@every_format
@pytest.mark.parametrize("padding", [0, 1, 3, 83, 84, 85, 10_000])
def test_zeros_behind_the_last_record_are_harmless(form: Format, padding: int) -> None:
    content = log(ONE, TWO, change(ONE, DELETED), form=form, padding=padding)
    assert reading(content, content[:4]) == Takeover([found(TWO)], [], 2, [])


@pytest.mark.parametrize("length", [1, 2, 3])
def test_a_file_cut_in_its_version_is_reported(length: int) -> None:
    assert reading(b"\7\1\1"[:length]).damages == [
        Damage("binlog.1", 0, "the file is cut: nothing of this file is read.")
    ]


def test_a_delete_of_which_only_the_id_was_written_deletes_nothing() -> None:
    torn = bytearray(change(ONE, BURIED).raw())
    torn[12:] = bytes(len(torn) - 12)
    takeover = reading(log(ONE, bytes(torn), padding=1000))
    assert takeover.jobs == [found(ONE)]
    assert len(takeover.damages) == 1


def test_files_that_are_missing_between_others_are_reported() -> None:
    takeover = read([("binlog.3", log(ONE)), ("binlog.5", log(TWO)), ("binlog.9", log(THREE))])
    assert ids(takeover) == [1, 2, 3]
    assert takeover.damages == [
        Damage("binlog.4", 0, "binlog.4 is missing: jobs are lost, and jobs whose delete was there come back."),
        Damage("binlog.6", 0, "binlog.6 to 8 are missing: jobs are lost, and jobs whose delete was there come back."),
    ]


@pytest.mark.parametrize("numbers", [(2, 1), (10, 9), (1, 1)])
def test_files_in_another_order_than_that_of_their_numbers_are_a_programmers_error(numbers: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="order of numbers"):
        read([(f"binlog.{number}", log(ONE)) for number in numbers])


def test_two_jobs_that_were_given_the_same_id_are_both_kept() -> None:
    other = replace(TWO, created=BIRTH + 5000, body=b"other")
    takeover = reading(
        log(ONE, TWO, THREE, change(TWO, BURIED)), log(other, change(THREE, BURIED), change(other, DELAYED))
    )
    assert takeover.jobs == [
        found(ONE),
        found(change(other, DELAYED)),
        found(change(THREE, BURIED)),
        found(replace(TWO, id=4, state=BURIED)),
    ]
    assert (takeover.buried, takeover.highest_id) == ([4, 3], 4)
    reason = "job 2 is another one than the job 2 before, which is kept as job 4."
    assert takeover.damages == [Damage("binlog.2", 4, reason)]


@pytest.mark.parametrize("other", [replace(ONE, body=b"one?"[:3].upper()), replace(ONE, tube=b"other")])
def test_a_moved_job_whose_copy_is_not_equal_is_kept_as_it_was_first(other: Record) -> None:
    takeover = reading(log(ONE), log(TWO, replace(other, pri=3)))
    assert takeover.jobs == [found(replace(ONE, pri=3)), found(TWO)]
    reason = "job 1 is here again with another tube or body; the first ones are kept."
    assert takeover.damages == [Damage("binlog.2", len(log(TWO)), reason)]


def test_a_size_that_swallows_the_records_behind_it_is_reported() -> None:
    raw = ONE.raw(size=5 + len(TWO.raw() + change(ONE, BURIED).raw() + THREE.raw()))
    takeover = reading(log(raw, TWO, change(ONE, BURIED), THREE, replace(ONE, id=4)))
    assert takeover.damages == [Damage("binlog.1", 4, "job 1 ends with what may be other jobs, if its size is wrong.")]
    assert ids(takeover) == [1, 4]


@pytest.mark.parametrize(
    ("spoiled", "expected"),
    [
        ({"delay": -1}, (0, 120)),
        ({"delay": 2**62 + 2**61}, (2**32 - 1, 120)),
        ({"ttr": 0}, (0, 1)),
        ({"ttr": -(2**63)}, (0, 1)),
        ({"ttr": 2**63 - 1}, (0, 2**32 - 1)),
    ],
)
def test_impossible_times_do_not_cost_the_job(spoiled: dict[str, int], expected: tuple[int, int]) -> None:
    takeover = reading(log(ONE.raw(**spoiled), TWO))
    assert [(job.delay, job.ttr) for job in takeover.jobs] == [expected, (0, 120)]
    reason = "job 1 has an impossible delay or time to run: the nearest possible one."
    assert takeover.damages == [Damage("binlog.1", 4, reason)]


def test_many_damages_and_long_holes_take_no_more_than_their_share_of_time() -> None:
    """Were each looked for from the beginning, or to the end, this would take hours."""
    records = [Record(n, created=BIRTH + n).raw(length=0 if n % 2 else 6) for n in range(1, 20_001)]
    takeover = reading(log(*records, bytes(1_000_000), *records[:100]), log(b"\1\0\0\0a" * 100_000))
    assert len(takeover.jobs) == 10_000
    assert takeover.damages[-1].file == "binlog.2"


# Stories


def same(takeover: Takeover, records: list[Record]) -> bool:
    jobs, buried = left(records)
    return takeover.jobs == list(jobs.values()) and takeover.buried == buried


@thorough
@given(stories(), st.sampled_from(FORMATS), st.lists(st.integers(0, 20), max_size=3), st.integers(0, 200))
def test_whatever_was_written_is_read_over_however_many_files(
    records: list[Record], form: Format, cuts: list[int], padding: int
) -> None:
    bounds = [0, *sorted(cuts), len(records)]
    parts = [records[start:stop] for start, stop in pairwise(bounds)]
    takeover = reading(*(log(*part, form=form, padding=padding) for part in parts))
    assert takeover.damages == []
    assert same(takeover, records)
    assert takeover.highest_id == max(record.id for record in records)


@settings(thorough, max_examples=30)
@given(stories(12), st.sampled_from(FORMATS))
def test_wherever_a_file_is_cut_all_whole_records_are_read_and_the_cut_is_reported(
    records: list[Record], form: Format
) -> None:
    content, ends = log(*records, form=form), [len(log(*records[:n], form=form)) for n in range(len(records) + 1)]
    for cut in range(4, len(content)):
        whole = max(n for n, end in enumerate(ends) if end <= cut)
        takeover = reading(content[:cut])
        assert same(takeover, records[:whole])
        # Zeros are what an unfinished file ends with, so a cut that leaves only zeros cannot be seen.
        assert len(takeover.damages) == (1 if any(content[ends[whole] : cut]) else 0)


@thorough
@given(stories(), st.data())
def test_a_bit_that_flips_costs_no_more_than_its_own_record(records: list[Record], data: st.DataObject) -> None:
    hit = data.draw(st.integers(0, len(records) - 1))
    raw = bytearray(records[hit].raw())
    bit = data.draw(st.integers(0, 8 * len(raw) - 1))
    raw[bit // 8] ^= 1 << bit % 8
    takeover = reading(log(*records[:hit], bytes(raw), *records[hit + 1 :], padding=300))
    place = bit // 8 - 4 - (len(records[hit].tube) if records[hit].whole else 0)
    touched = {records[hit].id, records[hit].id ^ (1 << 8 * place + bit % 8 if 0 <= place < 8 else 0)}
    if not swallowed(takeover):
        assert untouched(takeover, records, touched)
    if tells(records[hit], bit // 8):
        assert takeover.damages


@thorough
@given(stories(), st.data())
def test_what_is_overwritten_costs_no_more_than_its_own_records(records: list[Record], data: st.DataObject) -> None:
    content, ends = bytearray(log(*records)), [len(log(*records[:n])) for n in range(len(records) + 1)]
    start = data.draw(st.integers(4, len(content) - 1))
    length = data.draw(st.integers(1, 300))
    filled = data.draw(st.one_of(st.binary(min_size=length, max_size=length), st.just(bytes(length))))
    content[start : start + length] = filled[: len(content) - start]
    touched = {r.id for r, (a, b) in zip(records, pairwise(ends), strict=True) if a < start + length and b > start}
    takeover = reading(bytes(content))
    if not swallowed(takeover):
        assert untouched(takeover, records, touched)


def swallowed(takeover: Takeover) -> bool:
    """The one case in which others suffer: a size that happens to end with another job's end. It is reported."""
    return any("may be other jobs" in damage.reason for damage in takeover.damages)


def untouched(takeover: Takeover, records: list[Record], touched: set[int]) -> bool:
    """Whether all other jobs are there, and nothing that never was."""
    expected, _ = left(records)
    jobs = {job.id: job for job in takeover.jobs}
    others = {job_id: job for job_id, job in jobs.items() if job_id in expected and job_id not in touched}
    invented = jobs.keys() - touched - {record.id for record in records}
    bodies = {record.body for record in records if record.id in touched}
    return others == {job_id: job for job_id, job in expected.items() if job_id not in touched} and all(
        jobs[job_id].body in bodies for job_id in invented
    )


def tells(record: Record, offset: int) -> bool:
    """Whether that byte of a record is one that cannot change unseen: it says how long the record is, or, in a
    change, which job is meant.
    """
    place = offset - 4 - (len(record.tube) if record.whole else 0)
    if offset < 4:
        return True
    if record.whole:
        start, width = OFFSETS["size"]
        return start <= place < start + width or place >= V7.struct_size + len(record.body)
    return any(
        start <= place < start + width for start, width in (OFFSETS[name] for name in ("size", "ttr", "created"))
    )


@settings(thorough, max_examples=300)
@given(st.lists(st.tuples(st.sampled_from([b"", *(f.header for f in FORMATS)]), st.binary(max_size=400)), max_size=3))
def test_arbitrary_bytes_are_reported_or_read_but_never_an_error(contents: list[tuple[bytes, bytes]]) -> None:
    takeover = reading(*(head + tail for head, tail in contents))
    assert all(damage.file.startswith("binlog.") and damage.reason.endswith(".") for damage in takeover.damages)


@settings(thorough, max_examples=300)
@given(
    stories(8), st.sampled_from(FORMATS), st.lists(st.tuples(st.integers(0, 3000), st.binary(max_size=20)), max_size=9)
)
def test_a_log_with_pieces_replaced_removed_and_added_is_never_an_error(
    records: list[Record], form: Format, edits: list[tuple[int, bytes]]
) -> None:
    content = log(*records, form=form, padding=40)
    for place, piece in edits:
        at = place % len(content)
        content = content[:at] + piece + content[at + place % 23 :]
    takeover = reading(content)
    assert ids(takeover) == sorted(set(ids(takeover)))
    assert sorted(takeover.buried) == [job.id for job in takeover.jobs if job.state == "buried"]
    assert takeover.highest_id >= max(ids(takeover), default=0)


# Names and first bytes


@pytest.mark.parametrize(
    ("first_bytes", "is_so"),
    [
        *((form.header, True) for form in FORMATS),
        (log(ONE), True),
        (b"\1\0\0\0", True),
        (b"\x08\0\0\0", True),
        (b"\0\0\0\x08", True),
        (bytes(4), False),
        (b"", False),
        (b"\7\0\0", False),
        (b"aylblog\n", False),
        (b"\0\1\0\0", False),
    ],
)
def test_a_file_of_beanstalkds_is_told_by_its_first_bytes(first_bytes: bytes, is_so: bool) -> None:
    assert is_beanstalkd_file(first_bytes) is is_so


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("binlog.1", 1), ("binlog.0", 0), ("binlog.2147483647", 2147483647), ("binlog.01", None), ("binlog.", None),
        ("binlog", None), ("binlog.1.gz", None), ("ayl-binlog.1", None), ("lock", None), ("binlog.-1", None),
        ("binlog.1 ", None), ("binlog.\N{ARABIC-INDIC DIGIT ONE}", None), ("binlog.1\n", None),
    ],
)  # fmt: skip
def test_only_names_that_beanstalkd_reads_have_a_number(name: str, number: int | None) -> None:
    assert file_number(name) == number


# Real logs


def test_a_log_written_by_1_4_6_is_read() -> None:
    assert read(beanstalkd_v5.FILES) == Takeover(beanstalkd_v5.JOBS, beanstalkd_v5.BURIED, 8, [])


def every_kind(client: Client) -> range:
    """Fill the server with jobs in every state. Nothing comes last that it does not write down."""
    bodies = [b"", b"x" * 65_535, bytes(range(256)) * 8, b"\r\n", b"{}"]
    for tube in ("default", "shop/1.4.2", "t" * 200):
        client.use(tube)
        put = [client.put(body, priority=n, delay=1000 * (n == 3), ttr=n) for n, body in enumerate(bodies * 2)]
        bury(client, put[5], put[0], put[6], put[2])
        client.kick(1)  # put[5]
        bury(client, put[9], put[5])
        client.kick_job(put[6])
        client.release(client.reserve_job(put[7]), priority=2**32 - 1, delay=2**32 - 1)
        client.kick_job(put[3])
        client.release(client.reserve_job(put[4]), priority=77, delay=500)
        client.delete(put[8])
    return range(1, put[-1] + 1)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
@pytest.mark.parametrize("size", ["4096", "100000", "10485760"])
def test_what_a_real_server_said_of_its_jobs_before_it_died_is_what_is_read(
    number: signal.Signals, size: str, tmp_path: Path
) -> None:
    with beanstalkd(tmp_path, "-s", size) as server:
        with server.client() as client:
            answers = told(client, every_kind(client))
        server.gets(number)
        server.wait()
    takeover = take_over(tmp_path)
    assert takeover.damages == []
    assert takeover.highest_id == 30
    assert ids(takeover) == list(answers)
    assert [job for job in takeover.jobs if not answers[job.id].is_of(job)] == []
    assert [job_id % 10 for job_id in takeover.buried] == [1, 3, 0, 6] * 3


def test_what_a_real_server_does_not_write_down_is_as_it_was_before(tmp_path: Path) -> None:
    with beanstalkd(tmp_path) as server, server.client() as client:
        for _ in range(3):
            client.put(b"", priority=5)
        client.reserve_job(1)
        client.release(client.reserve_job(2), priority=9)
        bury(client, 3)
        client.release(client.reserve_job(3), priority=9)
    jobs = take_over(tmp_path).jobs
    assert [(job.state, job.pri, job.reserves, job.releases) for job in jobs] == [
        ("ready", 5, 0, 0), ("ready", 5, 0, 0), ("buried", 3, 1, 0),
    ]  # fmt: skip


def test_jobs_that_a_real_server_has_moved_to_later_files_keep_their_order(tmp_path: Path) -> None:
    with beanstalkd(tmp_path, "-s", "4096") as server, server.client() as client:
        for n in range(6):
            client.put(b"%d" % n)
        bury(client, 4, 2)
        churn(client, 50, b"x" * 100)
        bury(client, 5, 1)
        churn(client, 100, b"x" * 100)
        bury(client, 3)
        assert client.stats()["binlog-oldest-index"] > 2
        assert client.stats()["binlog-records-migrated"] > 5
        answers = told(client, range(1, 200))
    takeover = take_over(tmp_path)
    assert takeover.damages == []
    assert takeover.buried == [4, 2, 5, 1, 3]
    assert [answers[job.id].is_of(job) for job in takeover.jobs] == [True] * 6


def test_a_job_of_the_largest_size_and_those_behind_it_are_taken_though_beanstalkd_itself_loses_them(
    tmp_path: Path,
) -> None:
    with beanstalkd(tmp_path) as server, server.client() as client:
        for body in (b"first", b"x" * 65_535, b"third", b"fourth"):
            client.put(body)
    before = take_over(tmp_path)
    assert [(job.id, job.body[:6]) for job in before.jobs] == [
        (1, b"first"),
        (2, b"xxxxxx"),
        (3, b"third"),
        (4, b"fourth"),
    ]
    with beanstalkd(tmp_path) as server, server.client() as client:
        assert list(told(client, range(1, 9))) == [1]
        client.put(b"new second")
        client.bury(client.reserve_job(client.put(b"new third")))
    takeover = take_over(tmp_path)
    assert [(job.id, job.body[:10], job.state) for job in takeover.jobs] == [
        (1, b"first", "ready"),
        (2, b"new second", "ready"),
        (3, b"new third", "buried"),
        (4, b"fourth", "ready"),
        (5, b"x" * 10, "ready"),
        (6, b"third", "ready"),
    ]
    assert len(takeover.damages) == 2


def test_a_real_server_that_went_on_with_a_log_of_1_4_6_is_read_as_one(tmp_path: Path) -> None:
    (tmp_path / "log").mkdir()
    for name, content in beanstalkd_v5.FILES:
        (tmp_path / "log" / name).write_bytes(content)
    with beanstalkd(tmp_path) as server, server.client(use="shop/1") as client:
        client.delete(4)
        client.kick_job(7)
        client.release(client.reserve_job(8), delay=900)
        client.put(b"new")
        bury(client, 2)
        answers = told(client, [2, 3, 6, 7, 8, 9])  # not 5: by each start beanstalkd counts a burial more
    takeover = take_over(tmp_path)
    assert takeover.damages == []
    assert ids(takeover) == [2, 3, 5, 6, 7, 8, 9]
    assert [answers[job.id].is_of(job) for job in takeover.jobs if job.id != 5] == [True] * 6
    assert takeover.buried == [5, 2]


def test_a_real_log_is_told_by_its_first_bytes(tmp_path: Path) -> None:
    with beanstalkd(tmp_path) as server, server.client() as client:
        client.put(b"")
    assert [is_beanstalkd_file(content[:4]) for _, content in files(tmp_path)] == [True]
