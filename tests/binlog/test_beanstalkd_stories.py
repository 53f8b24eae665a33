"""Random binlogs of beanstalkd's, whole, cut, spoiled and of no sense at all."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import examples

from .beanstalkd_reading import ids, reading
from .beanstalkd_stories import left, stories
from .beanstalkd_writer import FORMATS, OFFSETS, V7, Format, Record, log

if TYPE_CHECKING:
    from ayl_server.binlog.beanstalkd import Takeover

thorough = settings(
    max_examples=examples(120), deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)  # the same examples each time: what damage does is a matter of chance, but a test's outcome must not be


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


@settings(thorough, max_examples=examples(30))
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


@settings(thorough, max_examples=examples(200))
@given(st.lists(st.tuples(st.sampled_from([b"", *(f.header for f in FORMATS)]), st.binary(max_size=400)), max_size=3))
def test_arbitrary_bytes_are_reported_or_read_but_never_an_error(contents: list[tuple[bytes, bytes]]) -> None:
    takeover = reading(*(head + tail for head, tail in contents))
    assert all(damage.file.startswith("binlog.") and damage.reason.endswith(".") for damage in takeover.damages)


@settings(thorough, max_examples=examples(200))
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
