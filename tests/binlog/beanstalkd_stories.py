"""Random lives of jobs as records, and what is left of them: told by the plainest replay there can be."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from ayl_server.binlog.beanstalkd import FoundJob

from .beanstalkd_writer import BIRTH, BURIED, DELAYED, DELETED, READY, RESERVED, SECOND, Record

if TYPE_CHECKING:
    from collections.abc import Iterable

STATES = {READY: "ready", RESERVED: "ready", BURIED: "buried", DELAYED: "delayed"}

TUBES = st.sampled_from([b"default", b"a", b"shop/1.4.2", b"x" * 200])
NUMBERS = st.sampled_from(
    [(0, 0, 1), (512, 0, 120), (7, 1, 3600), (2**16, 86_400, 255), (2**32 - 1, 2**32 - 1, 2**32 - 1)]
)
"""Pri, delay and ttr; few choices each, as every choice has its price."""

COUNTS = st.sampled_from([(0, 0, 0, 0, 0), (1, 0, 0, 1, 0), (255, 1, 2, 3, 256), (2**32 - 1,) * 5])

BODIES = st.one_of(
    st.binary(max_size=40),
    st.sampled_from([b"", b"twelve bytes", b"0\r\n\r\n\r\n1\r\n", bytes(30), b"\xff" * 100, b"\1\0\0\0a" * 20]),
)


@st.composite
def stories(draw: st.DrawFn, longest: int = 20) -> list[Record]:
    """Puts, changes, deletes and moves to a later file, as a server may write them."""
    records: list[Record] = []
    alive: list[Record] = []
    job_id = draw(st.sampled_from([0, 250, 2**40]))
    for number in range(draw(st.integers(1, longest))):
        deed = draw(st.sampled_from(["put", "put", "change", "change", "delete", "move"])) if alive else "put"
        if deed == "put":
            job_id += draw(st.integers(1, 3))
            record = draw(puts(job_id, BIRTH + number * 1_000_001_000))
        else:
            before = alive.pop(draw(st.integers(0, len(alive) - 1)))
            record = draw(changes(before)) if deed == "change" else replace(before, whole=deed == "move")
            record = replace(record, state=DELETED) if deed == "delete" else record
        if record.state != DELETED:
            alive.append(record)
        records.append(record)
    return records


def puts(job_id: int, created: int) -> st.SearchStrategy[Record]:
    def build(state: int, numbers: tuple[int, int, int], tube: bytes, body: bytes) -> Record:
        pri, delay, ttr = numbers
        deadline = created + delay * SECOND
        return Record(job_id, state, pri, delay, ttr, created, deadline, tube=tube, body=body)

    return st.builds(build, st.sampled_from([READY, DELAYED]), NUMBERS, TUBES, BODIES)


def changes(before: Record) -> st.SearchStrategy[Record]:
    def build(state: int, numbers: tuple[int, int, int], counts: tuple[int, ...]) -> Record:
        pri, delay, _ = numbers
        deadline = before.deadline + delay * 1_000_000
        told = dict(zip(("reserves", "timeouts", "releases", "buries", "kicks"), counts, strict=True))
        return replace(before, whole=False, state=state, pri=pri, delay=delay, deadline=deadline, **told)  # type: ignore[arg-type]

    return st.builds(build, st.sampled_from([READY, BURIED, DELAYED]), NUMBERS, COUNTS)


def left(records: Iterable[Record]) -> tuple[dict[int, FoundJob], list[int]]:
    """The jobs by id, and the ids of the buried ones in their order."""
    jobs: dict[int, Record] = {}
    buried: list[int] = []
    for record in records:
        if not record.whole and record.id not in jobs:
            continue
        moved = record.whole and record.id in jobs
        jobs[record.id] = record
        if record.id in buried and not (moved and record.state == BURIED):
            buried.remove(record.id)
        if record.state == BURIED and record.id not in buried:
            buried.append(record.id)
        if record.state == DELETED:
            del jobs[record.id]
    return {job_id: found(jobs[job_id]) for job_id in sorted(jobs)}, buried


def found(record: Record) -> FoundJob:
    """The job that a record tells."""
    return FoundJob(
        id=record.id,
        tube=record.tube,
        pri=record.pri,
        delay=record.delay,
        ttr=record.ttr,
        body=record.body,
        state=STATES[record.state],
        created=record.created / SECOND,
        deadline=record.deadline / SECOND if record.state == DELAYED else 0.0,
        reserves=record.reserves,
        timeouts=record.timeouts,
        releases=record.releases,
        buries=record.buries,
        kicks=record.kicks,
    )
