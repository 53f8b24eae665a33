"""The spool's format: what was written is read, and what was damaged is told and costs nothing beside it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ayl.engines.spool.records import (
    HEAD_SIZE,
    HEADER_SIZE,
    MARK_AT,
    VERSION,
    Damage,
    Found,
    Record,
    Torn,
    encode,
    gone,
    header,
    scan,
    version,
)

from .samples import BODIES, RECORDS, laid_out, record

SALTS = st.integers(0, 2**32 - 1)
BASES = st.integers(0, 2**40)
LISTS = st.lists(RECORDS, max_size=8)


def read(data: bytes, salt: int, base: int) -> list[Record]:
    return [item.record for item in scan(data, salt, base) if isinstance(item, Found)]


@given(LISTS, SALTS, BASES)
def test_records_are_read_as_they_were_written(records: list[Record], salt: int, base: int) -> None:
    data, places = laid_out(records, salt, base)
    items = [*scan(data, salt, base)]
    assert [item.record for item in items if isinstance(item, Found)] == records
    assert [item.offset for item in items] == places
    assert not any(item.gone for item in items if isinstance(item, Found))


@given(LISTS, SALTS, BASES, st.data())
def test_a_record_that_was_marked_is_gone_and_no_other(
    records: list[Record], salt: int, base: int, data: st.DataObject
) -> None:
    written, places = laid_out(records, salt, base)
    marked = data.draw(st.sets(st.sampled_from(places))) if places else set()
    content = bytearray(written)
    for place in marked:
        content[place - base + MARK_AT : place - base + HEAD_SIZE] = gone(salt, place)
    items = [item for item in scan(bytes(content), salt, base) if isinstance(item, Found)]
    assert {item.offset for item in items if item.gone} == marked
    assert [item.record for item in items] == records


@given(st.lists(RECORDS, min_size=1, max_size=5), SALTS, BASES, st.data())
def test_a_torn_write_is_a_torn_tail_and_never_damage(
    records: list[Record], salt: int, base: int, data: st.DataObject
) -> None:
    written, places = laid_out(records, salt, base)
    begin = places[-1] - base
    tails = st.integers(begin + 1, len(written) - 1).map(lambda cut: written[begin:cut]) | st.integers(1, 99).map(bytes)
    *whole, last = scan(written[:begin] + data.draw(tails), salt, base)
    assert last == Torn(places[-1])
    assert [item.record for item in whole if isinstance(item, Found)] == records[:-1]


@given(st.lists(RECORDS, min_size=1, max_size=5), SALTS, BASES, st.data())
def test_a_changed_byte_costs_no_other_record_and_is_never_silent(
    records: list[Record], salt: int, base: int, data: st.DataObject
) -> None:
    written, places = laid_out(records, salt, base)
    at = data.draw(st.integers(0, len(written) - 1))
    victim = max(number for number, place in enumerate(places) if place - base <= at)
    changed = bytearray(written)
    changed[at] ^= data.draw(st.integers(1, 255))
    items = [*scan(bytes(changed), salt, base)]
    found = [item for item in items if isinstance(item, Found)]
    if MARK_AT <= at - (places[victim] - base) < HEAD_SIZE:
        # A mark that is not whole is none: the call is delivered, a second time at worst.
        assert [item.record for item in found] == records
        assert not any(item.gone for item in found)
        return
    assert [item.record for item in found] == records[:victim] + records[victim + 1 :]
    (told,) = [item for item in items if not isinstance(item, Found)]
    assert told == Damage(places[victim], [*places, base + len(written)][victim + 1])


@given(st.lists(RECORDS, min_size=2, max_size=6, unique_by=repr), SALTS, BASES, st.data())
def test_whatever_is_written_over_a_stretch_the_records_beside_it_are_read(
    records: list[Record], salt: int, base: int, data: st.DataObject
) -> None:
    written, places = laid_out(records, salt, base)
    ends = [*places[1:], base + len(written)]
    start = data.draw(st.integers(0, len(written) - 1))
    garbage = data.draw(st.binary(min_size=1, max_size=min(300, len(written) - start)))
    changed = written[:start] + garbage + written[start + len(garbage) :]
    untouched = [
        each
        for each, place, end in zip(records, places, ends, strict=True)
        if end - base <= start or place - base >= start + len(garbage)
    ]
    found = read(changed, salt, base)
    assert [each for each in found if each in untouched] == untouched
    # And nothing is made up: what else is read was written so.
    assert all(each in records for each in found)


@given(BODIES, SALTS, st.integers(0, 1000))
def test_a_body_that_holds_a_record_is_never_read_as_one(body: bytes, salt: int, other: int) -> None:
    inner = encode(record(1), salt, other)
    outer = record(2)
    hostile = Record("h", "t", 0, 0.0, 1, "e", 0.0, body + inner + body)
    data, places = laid_out([hostile, outer], salt, 10_000)
    damaged = b"\0" * 4 + data[4:]  # the outer record's head
    assert read(damaged, salt, 10_000) == [outer]
    assert next(scan(damaged, salt, 10_000)) == Damage(places[0], places[1])


@given(st.binary(max_size=400), SALTS, BASES)
def test_garbage_is_told_and_never_fails(data: bytes, salt: int, base: int) -> None:
    items = [*scan(data, salt, base)]
    assert not any(isinstance(item, Found) for item in items)
    assert bool(items) == bool(data)


def test_a_record_of_another_place_or_file_is_none() -> None:
    data = encode(record(1), 7, 100)
    assert read(data, 7, 100) == [record(1)]
    assert read(data, 7, 101) == []
    assert read(data, 8, 100) == []


@given(SALTS, st.data())
def test_a_header_tells_its_version_and_no_damage_to_it_goes_unseen(salt: int, data: st.DataObject) -> None:
    head = header(salt)
    assert len(head) == HEADER_SIZE
    assert version(head, salt) == VERSION
    at = data.draw(st.integers(0, HEADER_SIZE - 1))
    changed = bytearray(head)
    changed[at] ^= data.draw(st.integers(1, 255))
    assert version(bytes(changed), salt) is None
    assert version(head[:at], salt) is None
