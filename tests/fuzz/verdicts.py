"""What must come of a damaged binlog, told from the sound one and from the places where the two differ."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from ayl_server.binlog.records import (
    CHANGE,
    DELETION,
    FRAME,
    HEADER_SIZE,
    JOB,
    KIND_CHANGE,
    KIND_DELETION,
    KIND_END,
    KIND_JOB,
    KIND_MARK,
    KIND_RETIRED,
    RETIRED,
    STATES,
    parse_header,
    payloads,
)
from ayl_server.binlog.recovery import RecoveryError
from tests.binlog.machine import Machine, Seen

from .damages import segments

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.binlog.machine import Run

    from .histories import Files, History

Jobs = dict[int, Seen]

REFUSAL = re.compile(r"(ayl-binlog\.\d+), offset (\d+): .+\. Nothing was changed\. .+")

ANYWHERE = -1
"""The offset of what is wrong with a file that should not be there at all."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A record in a sound file."""

    start: int
    end: int
    payload: bytes

    @property
    def kind(self) -> int:
        return self.payload[0]


def pieces(data: bytes) -> list[Piece]:
    found = payloads(data, HEADER_SIZE, parse_header(data).salt)
    return [Piece(place, place + FRAME.size + len(payload), payload) for place, payload in found]


def told(records: Iterable[Piece]) -> Jobs:
    """The jobs that these records tell of: the plainest replay there can be."""
    jobs: Jobs = {}
    for record in records:
        if record.kind == KIND_JOB:
            _, job_id, pri, delay, ttr, state, created, when, *counters, length = JOB.unpack_from(record.payload)
            tube, body = record.payload[JOB.size :][:length], record.payload[JOB.size + length :]
            jobs[job_id] = Seen(tube, body, pri, delay, ttr, STATES[state], when, created, *counters)
        elif record.kind == KIND_CHANGE:
            _, job_id, pri, delay, state, when, reserves, timeouts, releases, buries, kicks = CHANGE.unpack(
                record.payload
            )
            if job_id in jobs:
                jobs[job_id] = jobs[job_id]._replace(
                    pri=pri, delay=delay, state=STATES[state], when=when, reserves=reserves, timeouts=timeouts,
                    releases=releases, buries=buries, kicks=kicks,
                )  # fmt: skip
        elif record.kind == KIND_DELETION:
            jobs.pop(DELETION.unpack(record.payload)[1], None)
    return jobs


@dataclass(slots=True)
class File:
    """A segment, sound and damaged."""

    name: str
    sound: bytes
    now: bytes

    @property
    def number(self) -> int:
        return int(self.name.partition(".")[2])

    @property
    def readable(self) -> bool:
        """Whether the header is as it was, and of this file."""
        return len(self.sound) > 0 and self.now[:HEADER_SIZE] == self.sound[:HEADER_SIZE]

    @property
    def salvageable(self) -> bool:
        """Whether a header is left, the first or the one at the end."""
        return len(self.sound) > 0 and (self.readable or self.now[-HEADER_SIZE:] == self.sound[-HEADER_SIZE:])

    def records(self) -> list[Piece]:
        return pieces(self.sound) if self.sound else []

    def whole(self, record: Piece) -> bool:
        return self.now[record.start : record.end] == self.sound[record.start : record.end]

    def until(self) -> tuple[list[Piece], int, list[Piece]]:
        """The records before the first that is broken; where that is, or would be; those behind it that are whole."""
        before: list[Piece] = []
        records = self.records()
        for place, record in enumerate(records):
            if not self.whole(record):
                return before, record.start, [later for later in records[place:] if self.whole(later)]
            before.append(record)
        return before, before[-1].end if before else HEADER_SIZE, []


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the server must make of damaged files."""

    faults: set[tuple[str, int]]
    """Files and offsets; if there are any, one of them must be named and nothing else be done."""
    jobs: Jobs
    """If there are none: what must come back."""


def possibly_last(now: Files) -> list[str]:
    """The segments that need no end: the one before the last as well, if nothing is in the last."""
    names = segments(now)
    nothing_in_last = now[names[-1]][HEADER_SIZE : HEADER_SIZE + 4] in (b"", bytes(4))
    return names[-2:] if nothing_in_last else names[-1:]


def verdict(sound: Files, now: Files) -> Verdict:
    names = segments(now)
    found = [File(name, sound.get(name, b""), now[name]) for name in names]
    faults: set[tuple[str, int]] = set()
    may_be_last = possibly_last(now)
    kept: list[Piece] = []
    closed = False
    for file in found:
        before, place, behind = file.until()
        kept += before
        closed = bool(before) and before[-1].kind == KIND_END
        if not file.sound:
            faults.add((file.name, ANYWHERE))
        elif not file.readable:
            faults.add((file.name, 0))
        elif len(file.now) < len(file.sound):
            faults.add((file.name, len(file.now)))
        elif not closed and (file.name not in may_be_last or any(one.kind == KIND_MARK for one in behind)):
            faults.add((file.name, place))
    needed = [max((RETIRED.unpack(one.payload)[1] for one in kept if one.kind == KIND_RETIRED), default=0)]
    needed += [file.number for file in found if file.number > needed[0]]
    faults |= {(f"ayl-binlog.{a + 1}", 0) for a, b in pairwise(needed) if b != a + 1}
    if closed:
        faults.add((f"ayl-binlog.{found[-1].number + 1}", 0))
    return Verdict(faults, told(kept))


def salvageable(sound: Files, now: Files) -> Jobs:
    """What salvage must bring back: what every whole record says that is in a file with a whole header.

    A header is there twice. A file under another's number is as good as none.
    """
    records: list[Piece] = []
    for name in segments(now):
        file = File(name, sound.get(name, b""), now[name])
        if file.salvageable:
            records += [record for record in file.records() if file.whole(record)]
    return told(records)


def machine_with(history: History, files: Files) -> Machine:
    """A copy of the machine, with these files instead of its own."""
    machine = Machine(history.machine.disk.copy())
    machine.clock.steady, machine.clock.shift = history.machine.clock.steady, history.machine.clock.shift
    for name in machine.disk.names():
        machine.disk.remove(name)
    for name, data in files.items():
        machine.disk.create(name, len(data))
        machine.overwrite(name, 0, data)
    return machine


def judge(history: History, now: Files, *, go_on: bool = True) -> None:
    """AssertionError if the server makes of the files what it must not."""
    expected = verdict(history.files, now)
    machine = machine_with(history, now)
    try:
        run = machine.start()
    except RecoveryError as error:
        said = str(error)
    else:
        assert not expected.faults, f"not noticed: {expected.faults}"
        assert run.jobs() == expected.jobs
        if go_on:
            check_life_goes_on(machine, run)
        return
    found = REFUSAL.fullmatch(said)
    assert found, said
    assert {(found[1], int(found[2])), (found[1], ANYWHERE)} & expected.faults, (said, expected.faults)
    left = {name: machine.contents(name) for name in segments(now)}
    assert left == {name: now[name] for name in segments(now)}, "something was changed"


def judge_salvage(history: History, now: Files) -> None:
    """AssertionError if the server loses what it could have salvaged, or brings back what never was."""
    machine = machine_with(history, now)
    run = machine.start(salvage=True)
    jobs = run.jobs()
    assert jobs == salvageable(history.files, now)
    if run.recovery.damages:
        for name in segments(now):
            assert machine.contents(f"damaged.{name}") == now[name], f"{name} is not kept"
    check_life_goes_on(machine, run)


def check_life_goes_on(machine: Machine, run: Run) -> None:
    """One more job, and it and all the others are there again."""
    jobs = run.jobs()
    run.put(b"one more")
    run.close()
    again = machine.start()
    assert again.recovery.torn is None
    assert {job_id: job for job_id, job in again.jobs().items() if job.body != b"one more" or job_id in jobs} == jobs
    assert len(again.jobs()) == len(jobs) + 1


def check_history(history: History) -> None:
    """What the sound files tell is what the server had; it counts reserves and timeouts without a word, though."""
    found = told([record for name in segments(history.files) for record in pieces(history.files[name])])
    now = history.machine.clock.steady + history.machine.clock.shift
    assert {job_id: _settled(job, now) for job_id, job in found.items()} == {
        job_id: _settled(job, now) for job_id, job in history.jobs.items()
    }


def _settled(job: Seen, now: float) -> Seen:
    due = job.state == "delayed" and job.when <= now
    return job._replace(reserves=0, timeouts=0, state="ready" if due else job.state, when=0.0 if due else job.when)
