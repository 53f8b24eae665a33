"""The files of the spool: their names, and what is done to one of them. Whoever comes here holds the locks."""

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import NamedTuple

from ayl.engines.spool.directory import open_file
from ayl.engines.spool.records import HEADER_SIZE, MARK_AT, VERSION, Damage, Found, Torn, gone, header, scan, version

WAITING, ASIDE, DAMAGED = "spool", "aside", "damaged"
"""Endings of the names: calls that wait, calls that a server refused for good, a drained file with damage in it."""

NAME = re.compile(r"(\d{10})-([0-9a-f]{16})-([0-9a-f]{8})\.(spool|aside)(\.damaged)?")

SEGMENT_BYTES = 2**20
"""A file that has grown to this is followed by another, so that what is drained can be let go of."""


class Segment(NamedTuple):
    """What a file's name tells. They sort by age."""

    number: int
    destination: str
    salt: int
    kind: str
    """`WAITING` or `ASIDE`."""
    damaged: bool = False
    size: int = 0
    """Bytes."""

    @property
    def name(self) -> str:
        ending = f".{DAMAGED}" if self.damaged else ""
        return f"{self.number:010}-{self.destination}-{self.salt:08x}.{self.kind}{ending}"


def destination(engine: str) -> str:
    """The engine's URL in a form that fits into names."""
    from hashlib import blake2b  # with OpenSSL, 4 MB that a worker whose spool stays empty can do without

    return blake2b(engine.encode(), digest_size=8).hexdigest()


def parse(name: str) -> Segment | None:
    """What a name tells; None if it is not that of a segment."""
    match = NAME.fullmatch(name)
    if match is None:
        return None
    number, engine, salt, kind, damaged = match.groups()
    return Segment(int(number), engine, int(salt, 16), kind, bool(damaged))


def segments(directory: int) -> list[Segment]:
    """All of the spool's files but its locks, oldest first."""
    found = []
    with os.scandir(directory) as entries:
        for entry in entries:
            segment = parse(entry.name)
            if segment is not None:
                with suppress(FileNotFoundError):  # drained meanwhile
                    found.append(segment._replace(size=entry.stat(follow_symlinks=False).st_size))
    return sorted(found)


def create(directory: int, segment: Segment) -> int:
    """A descriptor of the new file, with its header. Nothing is left behind if that fails."""
    file = open_file(directory, segment.name, os.O_RDWR | os.O_CREAT | os.O_EXCL)
    try:
        write(file, header(segment.salt), 0)
        os.fsync(directory)
    except BaseException:
        os.close(file)
        os.unlink(segment.name, dir_fd=directory)
        raise
    return file


def write(file: int, data: bytes, offset: int) -> None:
    """All of it, or OSError."""
    while data:
        count = os.pwrite(file, data, offset)
        data, offset = data[count:], offset + count


def read(file: int, offset: int, size: int) -> bytes:
    """So many bytes from there, or what there is of them."""
    parts = []
    while size > 0 and (part := os.pread(file, size, offset)):
        parts.append(part)
        offset, size = offset + len(part), size - len(part)
    return b"".join(parts)


def content(directory: int, segment: Segment, start: int = 0) -> Iterator[Found | Damage | Torn]:
    """What stands in the file from `start` on, which is where a record begins; a damaged header comes first."""
    file = open_file(directory, segment.name, os.O_RDONLY)
    try:
        size = os.fstat(file).st_size
        start = max(start, HEADER_SIZE)
        head, data = read(file, 0, HEADER_SIZE), read(file, start, size - start)
    finally:
        os.close(file)
    if len(head) < HEADER_SIZE:
        yield Torn(0)
    elif version(head, segment.salt) is None:
        yield Damage(0, HEADER_SIZE)
    yield from scan(data, segment.salt, start)


def readable(directory: int, segment: Segment) -> bool:
    """False for a file in the format of a later release, which is left to that one."""
    file = open_file(directory, segment.name, os.O_RDONLY)
    try:
        return version(read(file, 0, HEADER_SIZE), segment.salt) in (None, VERSION)
    finally:
        os.close(file)


def mark(directory: int, segment: Segment, offsets: Iterable[int]) -> None:
    """Tell that these records wait no more, on the disk."""
    file = open_file(directory, segment.name, os.O_RDWR)
    try:
        for offset in offsets:
            write(file, gone(segment.salt, offset), offset + MARK_AT)
        os.fdatasync(file)
    finally:
        os.close(file)


def of(found: Sequence[Segment], engine: str, kind: str) -> list[Segment]:
    """Those with calls for this engine that can be used."""
    usable = [segment for segment in found if segment.kind == kind and not segment.damaged]
    here = destination(engine) if usable else ""
    return [segment for segment in usable if segment.destination == here]
