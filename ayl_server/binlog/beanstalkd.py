"""The files that beanstalkd itself writes with `-b`, read so that a server can take over their jobs. No I/O.

Two versions exist in the wild: 7 (beanstalkd 1.5 to 1.13) and 5 (1.4 to 1.4.6), each in the byte order and
with the struct padding of a 64-bit machine. A file is an int with the version, then records: the length of the
tube's name, the name, a struct and the body with its CR LF. A change of a job is such a record without name and
body. Zeros fill the file up to the size it was created with.

Nothing is guarded by a checksum. A record is therefore believed only if beanstalkd can have written it, and a
change only if it tells the very size, time to run and moment of birth (in nanoseconds) that the job has. What is
not believed is reported, with its place, and has no effect: a job stays as it was before.

Behind a damaged record reading goes on, because stopping is not the careful choice that it seems to be: with the
rest of a file its deletes are lost as well as its jobs, and jobs done long ago would run again. The next record is
the one behind the damaged one, if that one's lengths still make sense, else the next that cannot be there by chance:
a job with a legal tube, whole seconds and a body that ends where it says, or a change that agrees with its job. Only
a body that holds a piece of a binlog can feign one, and only when its own record is damaged. That adds a job then, and
alters none but one whose birth it tells to the nanosecond.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from struct import Struct
from typing import NamedTuple

from ayl_server.model import BURIED, DELAYED, READY
from ayl_server.protocol import MAX_TUBE_NAME, MAX_U32, tube_name

Fields = tuple[int, ...]
"""Of a struct: id, pri, delay, ttr, size, created, deadline, reserves, timeouts, releases, buries, kicks, state.

Times are nanoseconds on the wall clock, the size is that of the body with its CR LF.
"""

Parsed = tuple[Fields, bytes, int]
"""A record: its fields, its tube (empty for a change), and where it ends. A job's body is the last of it."""

_SECOND = 10**9
_LONGEST = MAX_U32 * _SECOND
_HIGHEST_ID = 2**63 - 1
"""No server lives long enough to get here. Above, there would soon be no ids left for new jobs."""

# States, as stored.
_DELETED = 0
_BURIED = 3
_DELAYED = 4
_FOUND_STATES = (READY, READY, READY, BURIED, DELAYED)
"""What each becomes. A lease ends with the server that gave it, so a reserved job is ready."""


class FoundJob(NamedTuple):
    """A job of the old server. There may be millions: a frozen dataclass takes five times as long to make."""

    id: int
    tube: bytes
    pri: int
    delay: int
    """Whole seconds, as last given by put or release."""
    ttr: int
    """Whole seconds, at least 1."""
    body: bytes
    """Without the protocol's CR LF."""
    state: str
    """`ready`, `delayed` or `buried`."""
    created: float
    """Seconds on the wall clock."""
    deadline: float
    """Delayed: seconds on the wall clock, perhaps long past; else 0."""
    reserves: int
    timeouts: int
    releases: int
    buries: int
    kicks: int


@dataclass(frozen=True, slots=True)
class Damage:
    """A place that could not be believed."""

    file: str
    offset: int
    reason: str
    """One sentence."""


@dataclass(frozen=True, slots=True)
class Takeover:
    """Everything that the old server's files tell."""

    jobs: list[FoundJob]
    """By id, ascending."""
    buried: list[int]
    """The ids of the buried ones over all tubes, the one buried first coming first."""
    highest_id: int
    """Of all ids that were ever seen in use, whether or not their jobs are left. 0 for none."""
    damages: list[Damage]


def is_beanstalkd_file(first_bytes: bytes) -> bool:
    """Whether a file that begins so is beanstalkd's, of whatever version and byte order: a small int, not 0."""
    head = first_bytes[:4]
    return len(head) == 4 and 0 < _version(head) < 256


def file_number(name: str) -> int | None:
    """The N of `binlog.N`; None for a name that beanstalkd does not read."""
    base, _, number = name.rpartition(".")
    return int(number) if base == "binlog" and re.fullmatch("0|[1-9][0-9]{0,9}", number) else None


def read(files: Iterable[tuple[str, bytes]]) -> Takeover:
    """What is left in a beanstalkd's files, given as name and content in the order of their numbers."""
    ledger = _Ledger()
    last: int | None = None
    layout = _LAYOUTS[b"\7\0\0\0"]
    for name, content in files:
        number = file_number(name)
        if last is not None and number is not None:
            ledger.note_gap(last, number)
        last = number
        layout = _read_file(ledger, name, content, layout)
    return ledger.takeover()


class _Flaw(Exception):
    """Why a record cannot be believed; half a sentence."""


class _Ledger:
    """What the records read so far have left."""

    def __init__(self) -> None:
        self.jobs: dict[int, tuple[Fields, bytes, bytes]] = {}
        self.tubes: dict[bytes, bytes] = {}
        """Each name once, however many jobs have it; and known to be legal."""
        self.buried: dict[int, int] = {}
        """Of each buried job: that it was the n-th to be buried; 0 if that was before all we know."""
        self.strangers: dict[int, tuple[Fields, int]] = {}
        """Buries of jobs not met yet: a job that beanstalkd moved to a later file comes behind its changes."""
        self.buries = 0
        self.highest_id = 0
        """Of the ids that are not in `jobs`."""
        self.displaced: list[Damage] = []
        """The n-th tells where another job took the id of the one that is now kept under the id -n."""
        self.damages: list[Damage] = []

    def note_gap(self, last: int, number: int) -> None:
        """Beanstalkd deletes its files from the oldest on, so the numbers may start late but not skip any."""
        if number <= last:
            raise ValueError(f"binlog.{number} was given after binlog.{last}: files must come in the order of numbers")
        if number > last + 1:
            missing = f"binlog.{last + 1} is" if number == last + 2 else f"binlog.{last + 1} to {number - 1} are"
            reason = f"{missing} missing: jobs are lost, and jobs whose delete was there come back."
            self.damages.append(Damage(f"binlog.{last + 1}", 0, reason))

    def put(self, fields: Fields, tube: bytes, body: bytes, file: str, at: int) -> None:
        """A whole job: a new one, or one that beanstalkd has moved to a later file."""
        job_id, state = fields[0], fields[12]
        known = self.jobs.get(job_id)
        if known is not None:
            if _same(known[0], fields):
                if known[1] != tube or known[2] != body:
                    reason = f"job {job_id} is here again with another tube or body; the first ones are kept."
                    self.damages.append(Damage(file, at, reason))
                self.jobs[job_id] = (fields, known[1], known[2])
                self.move(job_id, state, still=True)
                return
            self.displace(job_id, file, at)
        self.jobs[job_id] = (fields, self.tubes.setdefault(tube, tube), body)
        if state == _BURIED:
            # Files vanish from the oldest on: a bury that none of them tells was earlier than all that they tell.
            stranger = self.strangers.pop(job_id, None)
            self.buried[job_id] = stranger[1] if stranger is not None and _same(stranger[0], fields) else 0

    def change(self, fields: Fields) -> None:
        """A new state of a job; of one that is not known it tells nothing, its job being gone with an older file."""
        job_id, state = fields[0], fields[12]
        known = self.jobs.get(job_id)
        if known is None:
            self.highest_id = max(self.highest_id, job_id)
            if state == _BURIED:
                self.buries += 1
                self.strangers[job_id] = (fields, self.buries)
        elif state == _DELETED:
            self.highest_id = max(self.highest_id, job_id)
            del self.jobs[job_id]
            self.buried.pop(job_id, None)
        else:
            self.jobs[job_id] = (fields, known[1], known[2])
            self.move(job_id, state, still=False)

    def move(self, job_id: int, state: int, *, still: bool) -> None:
        """Keep the order of the buried; `still`: a job that is buried already keeps its place."""
        if state != _BURIED:
            self.buried.pop(job_id, None)
        elif not (still and job_id in self.buried):
            self.buries += 1
            self.buried[job_id] = self.buries

    def displace(self, job_id: int, file: str, at: int) -> None:
        """Make room for another job with the same id, and lose none of the two.

        It happens: beanstalkd does not read what follows a job of the maximum size, and gives the ids that it has
        not read away again.
        """
        self.displaced.append(Damage(file, at, f"job {job_id} is another one than the job {job_id} before"))
        self.jobs[-len(self.displaced)] = self.jobs.pop(job_id)
        if job_id in self.buried:
            self.buried[-len(self.displaced)] = self.buried.pop(job_id)

    def takeover(self) -> Takeover:
        """The sum of it all; nothing is read any more."""
        self.highest_id = max(self.highest_id, max(self.jobs, default=0))
        for n, place in enumerate(self.displaced, 1):
            self.highest_id += 1
            self.jobs[self.highest_id] = self.jobs.pop(-n)
            if -n in self.buried:
                self.buried[self.highest_id] = self.buried.pop(-n)
            reason = f"{place.reason}, which is kept as job {self.highest_id}."
            self.damages.append(Damage(place.file, place.offset, reason))
        buried = sorted(self.buried, key=self.bury_order)
        # Taken out one by one: millions of jobs should not be in memory in two forms at once.
        jobs = [_found(job_id, *self.jobs.pop(job_id)) for job_id in sorted(self.jobs)]
        return Takeover(jobs, buried, self.highest_id, self.damages)

    def bury_order(self, job_id: int) -> tuple[int, int, int]:
        """Where no bury is on record, the lease before it is the next best: the struct still has its end."""
        place, fields = self.buried[job_id], self.jobs[job_id][0]
        return place, 0 if place else fields[6] - fields[3], job_id


def _found(job_id: int, fields: Fields, tube: bytes, body: bytes) -> FoundJob:
    _, pri, delay, ttr, _, created, deadline, reserves, timeouts, releases, buries, kicks, state = fields
    return FoundJob(
        job_id,
        tube,
        pri,
        min(max(-(-delay // _SECOND), 0), MAX_U32),
        min(max(-(-ttr // _SECOND), 1), MAX_U32),
        body,
        _FOUND_STATES[state],
        _seconds(created),
        _seconds(deadline) if state == _DELAYED else 0.0,
        reserves,
        timeouts,
        releases,
        buries,
        kicks,
    )


def _seconds(nanoseconds: int) -> float:
    """Not by dividing: compiled with mypyc, that rounds twice, and is a quarter of a microsecond off."""
    return nanoseconds // _SECOND + nanoseconds % _SECOND / _SECOND


def _same(one: Fields, other: Fields) -> bool:
    """Whether both are about one job: of equal time to run, size and birth, none of which ever changes."""
    return one[3:6] == other[3:6]


def _plausible(fields: Fields) -> bool:
    """Whether the times are such that bytes which are no struct would hardly ever have them."""
    delay, ttr, created = fields[2], fields[3], fields[5]
    whole = not (delay % _SECOND or ttr % _SECOND)
    return whole and 0 <= delay <= _LONGEST and 0 < ttr <= _LONGEST and created > 0


class _Layout:
    """How one version lays out its records, in one byte order."""

    def __init__(self, order: str, length: str, struct: str, unit: int, job: bytes, change: bytes) -> None:
        self.length = Struct(order + length)
        """Of the tube's name."""
        self.struct = Struct(order + struct)
        self.unit = unit
        """Nanoseconds in which the times are counted."""
        self.job = re.compile(job + rb"(?=[A-Za-z0-9+/;.$_()])", re.DOTALL)
        """Where a job may begin: the length of its tube's name, and the name."""
        self.record = re.compile(self.job.pattern + rb"|" + change, re.DOTALL)
        """Where a job or a change may begin."""

    def fields(self, content: bytes, at: int) -> Fields:
        """A struct, its times made nanoseconds."""
        raw: Fields = self.struct.unpack_from(content, at)
        if self.unit == 1:
            return raw
        u = self.unit
        return (raw[0], raw[1], raw[2] * u, raw[3] * u, raw[4], raw[5] * u, raw[6] * u, *raw[7:])


_CHANGE_7 = rb"\0{4}(?!\0{8})(?=.{12}\0{4}.{20}\0{4}.{36}[\0-\4]\0{3})"
"""Length 0, an id, the struct's padding (always zero) and a state."""

_CHANGE_5 = rb"\0{8}(?!\0{8})(?=.{76}[\0-\4])"
"""The same in the older version, where padding is what was in memory."""

_STRUCT_7 = "QI4xqqi4xqq5IB3x"
_STRUCT_5 = "QI4xqqi4xqq5IB"

_LAYOUTS = {
    b"\7\0\0\0": _Layout("<", "i", _STRUCT_7, 1, rb"[\1-\xc8]\0{3}", _CHANGE_7),
    b"\0\0\0\7": _Layout(">", "i", _STRUCT_7, 1, rb"\0{3}[\1-\xc8]", _CHANGE_7),
    b"\5\0\0\0": _Layout("<", "q", _STRUCT_5, 1000, rb"[\1-\xc8]\0{7}", _CHANGE_5),
    b"\0\0\0\5": _Layout(">", "q", _STRUCT_5, 1000, rb"\0{7}[\1-\xc8]", _CHANGE_5),
}
"""By a file's first four bytes."""


def _version(head: bytes) -> int:
    """The version in the first bytes, in whichever order makes it the smaller number."""
    return min(int.from_bytes(head, "little"), int.from_bytes(head, "big"))


def _read_file(ledger: _Ledger, name: str, content: bytes, before: _Layout) -> _Layout:
    """Read one file. `before` is the layout of the one before it; the answer is that of this one."""
    used = len(content.rstrip(b"\0"))
    if not used:
        return before  # beanstalkd was killed while it made the file; nothing was written yet
    head = content[:4]
    layout = _LAYOUTS.get(head)
    if layout is None:
        told = f"version {_version(head)} of the binlog is not known" if len(head) == 4 else "the file is cut"
        if any(head):
            ledger.damages.append(Damage(name, 0, f"{told}: nothing of this file is read."))
            return before
        ledger.damages.append(Damage(name, 0, "the version is wiped out; that of the other files is assumed."))
        layout = before
    _File(ledger, name, content, used, layout).read()
    return layout


class _File:
    """One file, record by record."""

    def __init__(self, ledger: _Ledger, name: str, content: bytes, used: int, layout: _Layout) -> None:
        self.ledger = ledger
        self.name = name
        self.content = content
        self.used = used
        """Behind this there are only zeros."""
        self.layout = layout

    def read(self) -> None:
        """Enter every record that can be believed into the ledger."""
        ledger, at, previous = self.ledger, 4, 0
        while at < self.used:
            try:
                fields, tube, end = self.parse(at)
                if not tube and fields[0] not in ledger.jobs and not _plausible(fields):
                    raise _Flaw(f"a change of job {fields[0]}, which is not known, has impossible times")
            except _Flaw as flaw:
                at = self.recover(at, previous, str(flaw))
                continue
            if not 0 <= fields[2] <= _LONGEST or not 0 < fields[3] <= _LONGEST:
                self.report(at, f"job {fields[0]} has an impossible delay or time to run: the nearest possible one.")
            if tube:
                body = self.content[end - fields[4] : end - 2]
                # Three zeros in a row are at the start of every record, and in no text.
                if b"\0\0\0" in body and self.swallows(end - fields[4], end):
                    self.report(at, f"job {fields[0]} ends with what may be other jobs, if its size is wrong.")
                ledger.put(fields, tube, body, self.name, at)
            else:
                ledger.change(fields)
            previous, at = fields[0], end

    def report(self, at: int, reason: str) -> None:
        self.ledger.damages.append(Damage(self.name, at, reason))

    def parse(self, at: int) -> Parsed:
        """The record at `at`, if it is one that beanstalkd can have written."""
        fields, begin, stop, end = self.framed(at)
        job_id, size, state = fields[0], fields[4], fields[12]
        if not 0 < job_id <= _HIGHEST_ID:
            raise _Flaw(f"the id {job_id} is impossible")
        if state > _DELAYED:
            raise _Flaw(f"job {job_id} has an unknown state, {state}")
        if begin == stop:
            if size < 2:
                raise _Flaw(f"a change of job {job_id} tells a body of {size} bytes, which is impossible")
            known = self.ledger.jobs.get(job_id)
            if known is not None and not _same(known[0], fields):
                raise _Flaw(f"a change of job {job_id} tells another size, time to run or age than the job has")
            return fields, b"", end
        if state == _DELETED:
            raise _Flaw(f"job {job_id} is marked as deleted, but has a body")
        tube = self.content[begin:stop]
        if tube not in self.ledger.tubes and not tube_name(tube):
            raise _Flaw(f"job {job_id} is in a tube with an illegal name")
        return fields, tube, end

    def framed(self, at: int) -> tuple[Fields, int, int, int]:
        """The record at `at`, if its lengths make sense: its fields, where its tube's name is, and where it ends."""
        content, layout = self.content, self.layout
        begin = at + layout.length.size
        if begin > len(content):
            raise _Flaw("the file ends inside this record")
        (length,) = layout.length.unpack_from(content, at)
        if not 0 <= length <= MAX_TUBE_NAME:
            raise _Flaw(f"a tube's name of {length} bytes is impossible")
        stop = begin + length
        end = stop + layout.struct.size
        if end > len(content):
            raise _Flaw("the file ends inside this record")
        fields = layout.fields(content, stop)
        if length:
            size = fields[4]
            if size < 2:
                raise _Flaw(f"a body of {size} bytes is impossible")
            end += size
            if end > len(content):
                raise _Flaw("the file ends inside this record")
            if not content.endswith(b"\r\n", 0, end):
                raise _Flaw("the body does not end with CR LF")
        return fields, begin, stop, end

    def recover(self, at: int, previous: int, reason: str) -> int:
        """Where to go on behind a record that cannot be believed. It is reported with the job before it, whose
        body may be the one with the wrong size.
        """
        if not any(self.content[at : at + self.layout.length.size + 8]):
            reason = "there are zeros where a record should begin"
        resumed = self.behind(at) or self.next_certain(self.layout.record, at + 1, len(self.content))
        behind = f"behind job {previous}: " if previous else ""
        onward = f"reading went on at {resumed}" if resumed < self.used else "nothing readable follows"
        self.report(at, f"{behind}{reason}; {onward}.")
        return resumed

    def behind(self, at: int) -> int:
        """Where the damaged record at `at` ends, if its lengths can be believed; else 0."""
        try:
            end = self.framed(at)[3]
        except _Flaw:
            return 0
        return end if end >= self.used or self.certain(end) else 0

    def next_certain(self, starts: re.Pattern[bytes], at: int, stop: int) -> int:
        """Where the first record from `at` on begins that cannot be there by chance; `stop` if none does."""
        found = starts.search(self.content, at, stop)
        while found is not None:
            if self.certain(found.start()):
                return found.start()
            found = starts.search(self.content, found.start() + 1, stop)
        return stop

    def certain(self, at: int) -> bool:
        """Whether there is a record at `at`, even if nothing leads to it. Changes of unknown jobs, which have no
        effect, are no landmarks: beside zeros, much looks like one.
        """
        try:
            fields, tube, _ = self.parse(at)
        except _Flaw:
            return False
        return _plausible(fields) if tube else fields[0] in self.ledger.jobs

    def swallows(self, at: int, end: int) -> bool:
        """Whether a body from `at` to `end` holds a job's record, and behind it others of which the last, a job's too,
        reaches to `end` or further: so it is where the size has become too large. A body that is a copy of a binlog
        is not like that, as the protocol puts a CR LF behind it; but one can be made like that, and what a body
        says must not count as a record. So this is worth a report and no more.
        """
        at = self.next_certain(self.layout.job, at, end)
        tube = b""
        while at < end:
            try:
                _, tube, at = self.parse(at)
            except _Flaw:
                return False
        return bool(tube)
