"""Reading beanstalkd's own binlog: which jobs are found, in which order, in which files."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ayl_server.binlog.beanstalkd import Takeover, file_number, is_beanstalkd_file, read

from .beanstalkd_reading import ONE, THREE, TWO, change, every_format, ids, reading
from .beanstalkd_stories import found
from .beanstalkd_writer import BIRTH, BURIED, DELAYED, DELETED, FORMATS, READY, RESERVED, SECOND, Format, Record, log

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
