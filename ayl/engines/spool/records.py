"""What stands in a file of the spool: records as bytes. No file and no clock.

A file (a *segment*) is a header, then records. All numbers are little endian.

    header   magic "aylspool" · version u16 · 0 u16 · salt u32 · checksum u32 of all before it
    record   marker 4 bytes · size u32 of the payload · checksum u32 of the payload · checksum u32 of these three
             · mark u32 · payload
    payload  `PAYLOAD`, then the message's id, the tube, the engine's URL, the reason why it was set aside, the body

A checksum is zlib's CRC-32, begun with the segment's salt and the record's offset: neither a record in another place
nor a body that is a piece of some spool is ever taken for a record when damage is stepped over. The salt stands in the
file's name too, so a damaged header costs no record.

Records are only ever appended. The one thing that is written later is a record's mark, which is 0 while the record
waits: its room is taken when the record is, so a full disk does not keep anybody from telling what has been delivered.
A mark that is neither 0 nor the right one was torn by a crash and counts as none: a double, never a loss.

To change the format: count VERSION on, keep reading the versions before it, and write only the new one.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from struct import Struct
from typing import NamedTuple
from zlib import crc32

MAGIC = b"aylspool"
VERSION = 1
MARKER = b"\xa5\xbaal"

HEADER = Struct("<8sHHI")
HEAD = Struct("<4sII")
CHECKSUM = Struct("<I")
PLACE = Struct("<IQ")

HEADER_SIZE = HEADER.size + CHECKSUM.size
MARK_AT = HEAD.size + CHECKSUM.size
"""Where a record's mark stands in it."""
HEAD_SIZE = MARK_AT + CHECKSUM.size

PAYLOAD = Struct("<IIddBHHH")
"""Priority, time to run, due, spooled, and the sizes of id, tube, engine and reason."""


@dataclass(frozen=True, slots=True)
class Record:
    """A message that waits, and all that a server must be told of it."""

    id: str
    """The message's."""
    tube: str
    priority: int
    due: float
    """When a worker may have it, seconds since 1970; 0 for at once."""
    time_to_run: int
    """Seconds."""
    engine: str
    """The URL of the engine that it was sent to: no other gets it."""
    spooled: float
    """When it came into the spool, seconds since 1970."""
    body: bytes
    reason: str = ""
    """Why it was set aside; empty for one that waits."""


class Found(NamedTuple):
    """A record that is whole."""

    offset: int
    end: int
    gone: bool
    """Delivered, withdrawn or set aside."""
    payload: bytes

    @property
    def record(self) -> Record:
        return _decoded(self.payload)


class Damage(NamedTuple):
    """Bytes that were written and cannot be read."""

    offset: int
    end: int


class Torn(NamedTuple):
    """From here on there is only the beginning of a record: whoever wrote it died before anybody was told yes."""

    offset: int


def header(salt: int) -> bytes:
    """The beginning of a file."""
    head = HEADER.pack(MAGIC, VERSION, 0, salt)
    return head + CHECKSUM.pack(crc32(head))


def version(data: bytes, salt: int) -> int | None:
    """The version of the format that the header at the beginning of `data` tells; None if it is damaged."""
    if len(data) < HEADER_SIZE or CHECKSUM.unpack_from(data, HEADER.size)[0] != crc32(data[: HEADER.size]):
        return None
    magic, number, _, told = HEADER.unpack_from(data)
    return int(number) if magic == MAGIC and told == salt else None


def encode(record: Record, salt: int, offset: int) -> bytes:
    """The record as it stands at `offset` of the file with that salt."""
    texts = [text.encode() for text in (record.id, record.tube, record.engine, record.reason[:1000])]
    fixed = PAYLOAD.pack(
        record.priority, record.time_to_run, record.due, record.spooled, *(len(text) for text in texts)
    )
    payload = b"".join([fixed, *texts, record.body])
    seed = _seed(salt, offset)
    head = HEAD.pack(MARKER, len(payload), crc32(payload, seed))
    return b"".join([head, CHECKSUM.pack(crc32(head, seed)), bytes(CHECKSUM.size), payload])


def gone(salt: int, offset: int) -> bytes:
    """The mark of a record that waits no more."""
    return CHECKSUM.pack(crc32(b"gone", _seed(salt, offset)) or 1)


def scan(data: bytes, salt: int, base: int) -> Iterator[Found | Damage | Torn]:
    """What stands in `data`, which begins at the offset `base` of its file and goes on to the file's end."""
    at = 0
    while at < len(data):
        size = _size(data, at, salt, base)
        if size is None:
            found = _next(data, at + 1, salt, base)
            # A record is never shorter than its head, and what a power cut leaves of one may be zeros.
            if found is None and (len(data) - at < HEAD_SIZE or not any(data[at:])):
                yield Torn(base + at)
                return
            yield Damage(base + at, base + (len(data) if found is None else found))
            at = len(data) if found is None else found
            continue
        end = at + HEAD_SIZE + size
        if end > len(data):
            yield Torn(base + at)
            return
        yield _whole(data, at, end, salt, base)
        at = end


def _whole(data: bytes, at: int, end: int, salt: int, base: int) -> Found | Damage:
    offset = base + at
    payload = data[at + HEAD_SIZE : end]
    if HEAD.unpack_from(data, at)[2] != crc32(payload, _seed(salt, offset)):
        return Damage(offset, base + end)
    mark = data[at + MARK_AT : at + HEAD_SIZE]
    return Found(offset, base + end, mark == gone(salt, offset), payload)


def _size(data: bytes, at: int, salt: int, base: int) -> int | None:
    """The size of the payload of the record whose head is there; None if none is."""
    if len(data) - at < HEAD_SIZE or not data.startswith(MARKER, at):
        return None
    if CHECKSUM.unpack_from(data, at + HEAD.size)[0] != crc32(data[at : at + HEAD.size], _seed(salt, base + at)):
        return None
    return int(HEAD.unpack_from(data, at)[1])


def _next(data: bytes, start: int, salt: int, base: int) -> int | None:
    """Where the next record begins."""
    at = data.find(MARKER, start)
    while at >= 0:
        if _size(data, at, salt, base) is not None:
            return at
        at = data.find(MARKER, at + 1)
    return None


def _seed(salt: int, offset: int) -> int:
    return crc32(PLACE.pack(salt, offset))


def _decoded(payload: bytes) -> Record:
    priority, time_to_run, due, spooled, *sizes = PAYLOAD.unpack_from(payload)
    texts, at = [], PAYLOAD.size
    for size in sizes:
        texts.append(payload[at : at + size].decode())
        at += size
    id_, tube, engine, reason = texts
    return Record(id_, tube, priority, due, time_to_run, engine, spooled, payload[at:], reason)
