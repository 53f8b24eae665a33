"""Records as bytes: each says all that it should, and nothing else is ever taken for one."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ayl_server.binlog import records
from ayl_server.binlog.records import (
    CHANGE,
    DELETION,
    END,
    FRAME,
    HEADER_SIZE,
    JOB,
    KIND_CHANGE,
    KIND_DELETION,
    KIND_END,
    KIND_JOB,
    KIND_MARK,
    MARK,
    STATE_CODES,
    Header,
    UnreadableError,
    frame,
    is_stop,
    job_size,
    mark_after,
    next_good,
    pack_change,
    pack_deletion,
    pack_end,
    pack_job,
    pack_mark,
    parse_header,
    payload_at,
    payloads,
)
from ayl_server.model import BURIED, DELAYED, READY, RESERVED, History, Job
from tests.conftest import examples

from .samples import (
    NUMBER,
    SALT,
    SHIFT,
    a_job,
    changed,
    end,
    gone,
    header,
    headers,
    jobs,
    laid,
    mark,
    put,
    rubbish,
    u32,
    u64,
)

thorough = settings(max_examples=examples(100), deadline=None, derandomize=True, database=None)

STATES = {READY: READY, RESERVED: READY, DELAYED: DELAYED, BURIED: BURIED}
"""What is written as what."""


def when(job: Job) -> float:
    return {DELAYED: job.deadline + SHIFT, BURIED: job.deadline}.get(job.state, 0.0)


def counters(job: Job) -> tuple[int, ...]:
    past = job.history or History()
    return job.reserves, past.timeouts, past.releases, past.buries, past.kicks


def payload_of(record: bytes, salt: int = SALT) -> bytes:
    payload = payload_at(record, 0, salt)
    assert payload is not None
    return payload


# Round trips


@thorough
@given(jobs(), u32)
def test_a_job_s_record_says_all_of_the_job(job: Job, salt: int) -> None:
    record = pack_job(job, SHIFT, salt)
    payload = payload_of(record, salt)
    name = len(job.tube.name)
    assert JOB.unpack_from(payload) == (
        KIND_JOB, job.id, job.pri, job.delay, job.ttr, STATE_CODES[STATES[job.state]], job.created + SHIFT, when(job),
        *counters(job), name,
    )  # fmt: skip
    assert payload[JOB.size :] == job.tube.name + job.body
    assert len(record) == job_size(job)


@thorough
@given(jobs(), u32)
def test_a_change_says_all_that_commands_may_change(job: Job, salt: int) -> None:
    record = pack_change(job, SHIFT, salt)
    state = STATE_CODES[STATES[job.state]]
    expected = (KIND_CHANGE, job.id, job.pri, job.delay, state, when(job), *counters(job))
    assert CHANGE.unpack(payload_of(record, salt)) == expected
    assert len(record) == records.CHANGE_SIZE


@thorough
@given(u64, u64, u32)
def test_the_small_records_say_their_numbers(one: int, other: int, salt: int) -> None:
    packed = [pack_deletion(one, salt), pack_mark(one, other, salt), pack_end(one, salt)]
    deletion, marking, ending = (payload_of(record, salt) for record in packed)
    assert DELETION.unpack(deletion) == (KIND_DELETION, one)
    assert MARK.unpack(marking) == (KIND_MARK, one, other)
    assert END.unpack(ending) == (KIND_END, one)
    assert [len(record) for record in packed] == [records.DELETION_SIZE, records.MARK_SIZE, records.END_SIZE]


@thorough
@given(headers, st.binary(max_size=50))
def test_a_header_says_its_numbers_whatever_follows(head: Header, rest: bytes) -> None:
    packed = head.pack()
    assert len(packed) == HEADER_SIZE == 64
    assert parse_header(packed + rest) == head


# Headers that are none


def altered(head: bytes, offset: int, data: bytes) -> bytes:
    return head[:offset] + data + head[offset + len(data) :]


WHOLE = header().pack()

NO_HEADERS = {
    "empty": (b"", "this is not a binlog of ayl_server"),
    "cut off": (WHOLE[:63], "this is not a binlog of ayl_server"),
    "zeros": (bytes(4096), "this is not a binlog of ayl_server"),
    "somebody else's": (b"\7\0\0\0" + bytes(100), "this is not a binlog of ayl_server"),
    "another magic": (altered(WHOLE, 0, b"A"), "this is not a binlog of ayl_server"),
    "version 2": (altered(WHOLE, 8, b"\2"), "its format is version 2; this ayl_server reads version 1"),
    "version 0": (altered(WHOLE, 8, b"\0"), "its format is version 0; this ayl_server reads version 1"),
    "a damaged salt": (altered(WHOLE, 12, b"\0"), "its header is damaged"),
    "a damaged checksum": (altered(WHOLE, 60, b"\0\0\0\0"), "its header is damaged"),
}


@pytest.mark.parametrize("name", NO_HEADERS)
def test_what_is_no_header_is_refused_with_a_sentence(name: str) -> None:
    data, sentence = NO_HEADERS[name]
    with pytest.raises(UnreadableError) as refusal:
        parse_header(data)
    assert str(refusal.value) == sentence


def test_no_bit_of_a_header_can_flip_unnoticed() -> None:
    for bit in range(8 * HEADER_SIZE):
        head = bytearray(WHOLE)
        head[bit // 8] ^= 1 << bit % 8
        with pytest.raises(UnreadableError):
            parse_header(bytes(head))


# What is no record


def all_records() -> list[bytes]:
    job = a_job()
    return [
        pack_job(job, SHIFT, SALT),
        pack_change(job, SHIFT, SALT),
        pack_deletion(1, SALT),
        pack_mark(NUMBER, 64, SALT),
        pack_end(NUMBER + 1, SALT),
    ]


def test_no_bit_of_a_record_can_flip_unnoticed() -> None:
    for record in all_records():
        for bit in range(8 * len(record)):
            data = bytearray(record)
            data[bit // 8] ^= 1 << bit % 8
            assert payload_at(bytes(data) + bytes(200), 0, SALT) is None, (record, bit)


def test_a_record_that_is_cut_off_is_none() -> None:
    for record in all_records():
        for size in range(len(record)):
            assert payload_at(record[:size], 0, SALT) is None
            assert list(payloads(record[:size], 0, SALT)) == []


def test_a_record_of_another_segment_is_none() -> None:
    for record in all_records():
        assert payload_at(record, 0, SALT) is not None
        assert payload_at(record, 0, SALT + 1) is None


NO_PAYLOADS = {
    "no kind": bytes([0]) * DELETION.size,
    "an unknown kind": bytes([7]) * DELETION.size,
    "a deletion that is too long": DELETION.pack(KIND_DELETION, 1) + b"\0",
    "a deletion that is too short": DELETION.pack(KIND_DELETION, 1)[:-1],
    "a mark that is too long": MARK.pack(KIND_MARK, 1, 1) + b"\0",
    "a change in state 0": CHANGE.pack(KIND_CHANGE, 1, 0, 0, 0, 0.0, *[0] * 5),
    "a change in state 4": CHANGE.pack(KIND_CHANGE, 1, 0, 0, 4, 0.0, *[0] * 5),
    "a job in state 4": JOB.pack(KIND_JOB, 1, 0, 0, 1, 4, 0.0, 0.0, *[0] * 6) + b"body",
    "half a job": JOB.pack(KIND_JOB, 1, 0, 0, 1, 1, 0.0, 0.0, *[0] * 6)[:-1],
    "a job with less than its tube's name": JOB.pack(KIND_JOB, 1, 0, 0, 1, 1, 0.0, 0.0, *[0] * 5, 5) + b"tube",
}


@pytest.mark.parametrize("name", NO_PAYLOADS)
def test_a_good_checksum_alone_makes_no_record(name: str) -> None:
    record = frame(NO_PAYLOADS[name], SALT)
    assert payload_at(record, 0, SALT) is None
    assert list(payloads(record, 0, SALT)) == []


@thorough
@given(st.binary(max_size=300), u32)
def test_any_bytes_are_read_without_harm(data: bytes, salt: int) -> None:
    list(payloads(data, 0, salt))
    next_good(data, 0, salt)
    mark_after(data, 0, header())
    for offset in range(len(data) + 10):
        payload_at(data, offset, salt)
        is_stop(data, offset)


# Records in their places


def test_records_are_read_up_to_the_first_place_where_there_is_none() -> None:
    data = laid(rubbish(b"head"), gone(1), gone(2), rubbish(bytes(8)), gone(3))
    found = [(offset, DELETION.unpack(payload)[1]) for offset, payload in payloads(data, 4, SALT)]
    assert found == [(4, 1), (4 + records.DELETION_SIZE, 2)]


def test_records_end_at_zeros_and_at_the_end_of_the_file_and_nowhere_else() -> None:
    data = b"\1\0\0\0\0\0\0\0"
    assert [is_stop(data, offset) for offset in range(9)] == [False, True, True, True, True, False, False, False, True]


def test_a_mark_counts_only_at_its_own_place_in_its_own_segment() -> None:
    def finds(number: int, told: int, place: int, salt: int = SALT) -> bool:
        data = laid(rubbish(bytes(place)), mark(told, number), rubbish(bytes(50)), salt=salt)
        return mark_after(data, 0, header()) is not None

    assert finds(NUMBER, 100, 100)
    assert not finds(NUMBER, 100, 101)
    assert not finds(NUMBER + 1, 100, 100)
    assert not finds(NUMBER, 100, 100, SALT + 1)


def test_the_first_mark_from_an_offset_on_is_found_behind_what_only_looks_like_one() -> None:
    gap = rubbish(bytes(100 - records.MARK_SIZE))
    data = laid(mark(64), gap, mark(100), gap, mark(200), gap)
    found = [mark_after(data, offset, header()) for offset in (0, 100, 101, 200, 201)]
    assert found == [100, 100, 200, 200, None]


def test_the_next_good_record_is_found_byte_by_byte() -> None:
    noise = bytes(range(256)) * 2
    data = laid(rubbish(noise), gone(1), rubbish(noise))
    end_of_record = len(noise) + records.DELETION_SIZE
    assert next_good(data, 0, SALT) == len(noise)
    assert next_good(data, len(noise), SALT) == len(noise)
    assert next_good(data, len(noise) + 1, SALT) is None
    assert next_good(data[: end_of_record - 1], 0, SALT) is None
    assert next_good(data[:end_of_record], 0, SALT) == len(noise)


def test_payloads_and_payload_at_agree() -> None:
    job = a_job()
    data = laid(put(job), changed(job), gone(1), mark(64), end())
    found = list(payloads(data, 0, SALT))
    assert [payload[0] for _, payload in found] == [KIND_JOB, KIND_CHANGE, KIND_DELETION, KIND_MARK, KIND_END]
    for offset, payload in found:
        assert payload_at(data, offset, SALT) == payload
        assert FRAME.unpack_from(data, offset)[0] == len(payload)
