"""Jobs with every value that a record can hold, the smallest and the largest first of all."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import strategies as st

from ayl_server.binlog.records import (
    HEADER_SIZE,
    Header,
    pack_change,
    pack_deletion,
    pack_end,
    pack_job,
    pack_mark,
    pack_retired,
    seed,
)
from ayl_server.model import BURIED, DELAYED, READY, RESERVED, Job, Tube
from ayl_server.protocol import MAX_U32, MAX_U64

NUMBER, SALT = 7, 0xDEADBEEF
"""Of the segment that records are packed for where a test does not care."""

SHIFT, NOW = 1_800_000_000.0, 1000.0
"""What the wall clock is ahead of the steady one, and what the latter shows, seconds."""

u32 = st.sampled_from([0, 1, 255, 2**31, MAX_U32]) | st.integers(0, MAX_U32)
u64 = st.sampled_from([0, 1, 2**63, MAX_U64]) | st.integers(0, MAX_U64)
times = st.sampled_from([0.0, 0.25, NOW, 2.0**31, float(MAX_U32)]) | st.integers(0, 2**40).map(lambda n: n / 1024)
"""Seconds on the steady clock; such that adding a shift and taking it away again changes nothing."""

tubes = st.sampled_from([b"d", b"default", b"n" * 200]).map(Tube)
bodies = st.sampled_from([b"", b"\0" * 8, b"\r\n", b"aylblog\n", b"x" * 65535]) | st.binary(max_size=100)


@st.composite
def jobs(draw: st.DrawFn) -> Job:
    """In every state; what no state uses is 0."""
    job_id = draw(st.sampled_from([1, MAX_U64]) | st.integers(1, MAX_U64))
    job = Job(job_id, draw(u32), draw(u32), draw(u32), draw(bodies), draw(tubes), draw(times))
    change(draw, job)
    return job


def change(draw: st.DrawFn, job: Job) -> None:
    """Whatever commands may change of it."""
    job.pri, job.delay, job.reserves = draw(u32), draw(u32), draw(u32)
    job.state = draw(st.sampled_from([READY, RESERVED, DELAYED, BURIED]))
    if job.state == DELAYED:
        job.deadline = draw(times)
    elif job.state == BURIED:
        job.deadline = float(draw(st.integers(1, 2**53)))
    if draw(st.booleans()):
        past = job.past()
        past.timeouts, past.releases, past.buries, past.kicks = draw(u32), draw(u32), draw(u32), draw(u32)


@st.composite
def changed_jobs(draw: st.DrawFn) -> tuple[Job, Job]:
    """A job before and after a command."""
    before = draw(jobs())
    after = Job(before.id, before.pri, before.delay, before.ttr, before.body, before.tube, before.created)
    change(draw, after)
    return before, after


headers = st.builds(Header, number=u64, salt=u32, last_id=u64, burials=u64, capacity=u64)


def a_job(
    job_id: int = 1,
    body: bytes = b"body",
    *,
    state: str = READY,
    pri: int = 0,
    delay: int = 0,
    deadline: float = 0.0,
    created: float = NOW,
) -> Job:
    job = Job(job_id, pri, delay, 60, body, Tube(b"default"), created)
    job.state = state
    job.deadline = deadline
    return job


Maker = Callable[[int], bytes]
"""Makes a record for the seed that its checksum is to begin with."""


def put(job: Job) -> Maker:
    return lambda start: pack_job(job, SHIFT, start)


def changed(job: Job) -> Maker:
    return lambda start: pack_change(job, SHIFT, start)


def gone(job_id: int) -> Maker:
    return lambda start: pack_deletion(job_id, start)


def end(number: int = NUMBER + 1) -> Maker:
    return lambda start: pack_end(number, start)


def retired(number: int) -> Maker:
    return lambda start: pack_retired(number, start)


def mark(place: int, number: int = NUMBER) -> Maker:
    return lambda start: pack_mark(number, place, start)


def rubbish(data: bytes) -> Maker:
    return lambda _: data


def laid(*makers: Maker, salt: int = SALT, at: int = 0) -> bytes:
    """Records one behind the other, the first one at offset `at`."""
    data = b""
    for make in makers:
        data += make(seed(salt, at + len(data)))
    return data


def segment(*makers: Maker, head: Header | None = None, marked: bool = False) -> bytes:
    """With a mark behind the records if they are to be `marked` as synced."""
    data = (head or header()).pack() + laid(*makers, at=HEADER_SIZE)
    return data + laid(mark(len(data)), at=len(data)) if marked else data


def header(number: int = NUMBER, last_id: int = 0, burials: int = 0, capacity: int = 0) -> Header:
    return Header(number, SALT, last_id, burials, capacity)
