"""A binlog of beanstalkd's that is damaged: what is wrong is reported, and all else is read."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ayl_server.binlog.beanstalkd import Damage, Takeover, read

from .beanstalkd_reading import ONE, THREE, TWO, change, every_format, ids, reading
from .beanstalkd_stories import found
from .beanstalkd_writer import BIRTH, BURIED, DELAYED, DELETED, SECOND, Format, Record, log

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
