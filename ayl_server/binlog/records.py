"""What stands in a binlog file: records as bytes. No file and no clock.

A file (a *segment*) is a header of 64 bytes, then records, then zeros or whatever an earlier use of the file
left behind; a record whose size is 0 ends it. All numbers are little endian.

    header   magic "aylblog\\n" · version u16 · 0 u16 · salt u32 · number u64 · last job id u64 · burials u64
             · capacity u64 · 12 bytes of 0 · checksum u32 of all before it
    record   size u32 of what follows the checksum · checksum u32 · kind u8 · what the kind says

A checksum is zlib's CRC-32, for a record begun with the segment's salt and the record's offset: so neither what a
recycled file holds from its former life, nor a record in another place, nor a job whose body is a piece of some binlog
is ever taken for a record. The last 64 bytes of a file repeat the header, for a salvage when the first is damaged.

    job      the whole job: `JOB`, the tube's name, the body
    change   what a command changed of a job told before: `CHANGE`
    deletion a job's id
    mark     the segment's number and the mark's own offset: all before it was on the disk when it was written
    retired  the number of a segment: neither that nor any before it is needed any more, so they may be missing
    end      the number of the next segment, which is there: this one is whole

Marks tell a torn tail from corruption: what comes before a good mark was acknowledged and must be there, what
comes after the last one may have been torn by a crash and nobody was told of it.

To change the format: count VERSION on, keep reading the versions before it (`Header.version` tells), and write
only the new one. Old segments disappear as compaction copies their jobs.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from struct import Struct
from zlib import crc32

from ayl_server.model import BURIED, DELAYED, READY, RESERVED, History, Job

MAGIC = b"aylblog\n"
VERSION = 1

HEADER = Struct("<8sHHIQQQQ12x")
CHECKSUM = Struct("<I")
HEADER_SIZE = HEADER.size + CHECKSUM.size

FRAME = Struct("<II")
"""In front of each record: the size of its payload and its checksum."""

JOB = Struct("<BQIIIBddIIIIIB")
"""Kind, id, pri, delay, ttr, state, created, when, reserves, timeouts, releases, buries, kicks, length of tube name.

`created` and `when` are wall clock, seconds; `when` is the end of a delay, or of a buried job the number of its burial.
"""

CHANGE = Struct("<BQIIBdIIIII")
"""Kind, id, pri, delay, state, when, reserves, timeouts, releases, buries, kicks."""

DELETION = Struct("<BQ")
MARK = Struct("<BQQ")
END = Struct("<BQ")
RETIRED = Struct("<BQ")

KIND_JOB, KIND_CHANGE, KIND_DELETION, KIND_MARK, KIND_END, KIND_RETIRED = 1, 2, 3, 4, 5, 6

SIZES = {
    KIND_CHANGE: CHANGE.size,
    KIND_DELETION: DELETION.size,
    KIND_MARK: MARK.size,
    KIND_END: END.size,
    KIND_RETIRED: RETIRED.size,
}
"""Payload sizes of the kinds that have only one."""

STOP = bytes(FRAME.size)
"""Where a record would stand: there is none."""

JOB_FIXED = FRAME.size + JOB.size
CHANGE_SIZE = FRAME.size + CHANGE.size
DELETION_SIZE = FRAME.size + DELETION.size
MARK_SIZE = FRAME.size + MARK.size
END_SIZE = FRAME.size + END.size
RETIRED_SIZE = FRAME.size + RETIRED.size

STATE_CODES = {READY: 1, RESERVED: 1, DELAYED: 2, BURIED: 3}
"""A lease ends with the server that gave it, so a reserved job is written as ready."""

STATES = {1: READY, 2: DELAYED, 3: BURIED}

_no_past = History()


@dataclass(frozen=True, slots=True)
class Header:
    """The beginning of a segment."""

    number: int
    salt: int  # u32, drawn anew for each segment
    last_id: int  # no job had a higher id when the segment was begun
    burials: int  # nor was any buried with a higher number
    capacity: int  # bytes of the whole file
    version: int = VERSION

    def pack(self) -> bytes:
        head = HEADER.pack(MAGIC, self.version, 0, self.salt, self.number, self.last_id, self.burials, self.capacity)
        return head + CHECKSUM.pack(crc32(head))


class UnreadableError(Exception):
    """The beginning of a file is not that of a segment this version can read; the message says why."""


def parse_header(data: bytes) -> Header:
    """The header at the beginning of `data`; UnreadableError if there is none."""
    head = data[: HEADER.size]
    if len(data) < HEADER_SIZE or not head.startswith(MAGIC):
        raise UnreadableError("this is not a binlog of ayl_server")
    version = int.from_bytes(head[8:10], "little")
    if version != VERSION:
        raise UnreadableError(f"its format is version {version}; this ayl_server reads version {VERSION}")
    if CHECKSUM.unpack_from(data, HEADER.size)[0] != crc32(head):
        raise UnreadableError("its header is damaged")
    _, _, _, salt, number, last_id, burials, capacity = HEADER.unpack(head)
    return Header(number, salt, last_id, burials, capacity)


def seed(salt: int, offset: int) -> int:
    """What the checksum of a record at `offset` is begun with."""
    return (salt + offset) & 0xFFFFFFFF


def frame(payload: bytes, start: int) -> bytes:
    """A record; `start` is its `seed`."""
    return FRAME.pack(len(payload), crc32(payload, start)) + payload


def job_size(job: Job) -> int:
    """Bytes of the whole job's record."""
    return JOB_FIXED + len(job.tube.name) + len(job.body)


def pack_job(job: Job, shift: float, start: int) -> bytes:
    """The whole job. `shift` is what to add to the driver's clock to get the wall clock, seconds."""
    past = job.history or _no_past
    name = job.tube.name
    fixed = JOB.pack(
        KIND_JOB,
        job.id,
        job.pri,
        job.delay,
        job.ttr,
        STATE_CODES[job.state],
        job.created + shift,
        _when(job, shift),
        job.reserves,
        past.timeouts,
        past.releases,
        past.buries,
        past.kicks,
        len(name),
    )
    return frame(fixed + name + job.body, start)


def pack_change(job: Job, shift: float, start: int) -> bytes:
    """What any command may change of a job."""
    past = job.history or _no_past
    return frame(
        CHANGE.pack(
            KIND_CHANGE,
            job.id,
            job.pri,
            job.delay,
            STATE_CODES[job.state],
            _when(job, shift),
            job.reserves,
            past.timeouts,
            past.releases,
            past.buries,
            past.kicks,
        ),
        start,
    )


def pack_deletion(job_id: int, start: int) -> bytes:
    return frame(DELETION.pack(KIND_DELETION, job_id), start)


def pack_mark(number: int, offset: int, start: int) -> bytes:
    return frame(MARK.pack(KIND_MARK, number, offset), start)


def pack_retired(number: int, start: int) -> bytes:
    return frame(RETIRED.pack(KIND_RETIRED, number), start)


def pack_end(next_number: int, start: int) -> bytes:
    return frame(END.pack(KIND_END, next_number), start)


def _when(job: Job, shift: float) -> float:
    if job.state is DELAYED:
        return job.deadline + shift
    return job.deadline if job.state is BURIED else 0.0


def payload_at(data: bytes, offset: int, salt: int) -> bytes | None:
    """The payload of a good record at `offset`; None where there is none."""
    if offset + FRAME.size >= len(data):
        return None
    size, checksum = FRAME.unpack_from(data, offset)
    start = offset + FRAME.size
    if not size or start + size > len(data):
        return None
    payload = data[start : start + size]
    return payload if crc32(payload, seed(salt, offset)) == checksum and _well_formed(payload) else None


def _well_formed(payload: bytes) -> bool:
    """Whether the payload is of a kind that we know and as long as that kind says."""
    kind = payload[0]
    if kind != KIND_JOB:
        return len(payload) == SIZES.get(kind) and (kind != KIND_CHANGE or payload[17] in STATES)
    return len(payload) >= JOB.size and payload[21] in STATES and payload[JOB.size - 1] <= len(payload) - JOB.size


def payloads(data: bytes, offset: int, salt: int) -> Iterator[tuple[int, bytes]]:
    """(offset, payload) of the good records from `offset` on, up to the first place where there is none."""
    # payload_at, written out: a replay spends most of its time here.
    unpack, last = FRAME.unpack_from, len(data) - FRAME.size
    while offset < last:
        size, checksum = unpack(data, offset)
        start = offset + FRAME.size
        payload = data[start : start + size]
        if (
            not size
            or len(payload) != size
            or crc32(payload, (salt + offset) & 0xFFFFFFFF) != checksum
            or not _well_formed(payload)
        ):
            return
        yield offset, payload
        offset = start + size


def is_stop(data: bytes, offset: int) -> bool:
    """Whether the records end here as they should."""
    return data[offset : offset + 4] in (bytes(4), b"")


def mark_after(data: bytes, offset: int, header: Header) -> int | None:
    """Where a good mark stands at or after `offset`; None if nowhere."""
    wanted = MARK.pack(KIND_MARK, header.number, 0)[:9]
    while (found := data.find(wanted, offset)) >= 0:
        place = found - FRAME.size
        payload = payload_at(data, place, header.salt) if place >= offset else None
        if payload is not None and MARK.unpack(payload)[2] == place:
            return place
        offset = found + 1
    return None


def next_good(data: bytes, offset: int, salt: int) -> int | None:
    """The next offset at which a good record stands, found byte by byte; for salvage."""
    for place in range(offset, len(data) - FRAME.size):
        if data[place + FRAME.size] in KINDS and payload_at(data, place, salt) is not None:
            return place
    return None


KINDS = frozenset({KIND_JOB, *SIZES})
