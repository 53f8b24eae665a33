"""Calls into the spool and out of it, from many processes at once.

Two locks: `lock` is held while something is appended or read, so that only what was accepted is ever read; one for each
engine is held while its calls are delivered or withdrawn, so that each has one fate.
"""

import logging
import os
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import NamedTuple

from ayl.engines.spool.directory import LOCK_SECONDS, Missing, locked, open_file, opened
from ayl.engines.spool.records import HEADER_SIZE, Damage, Found, Record, Torn, encode
from ayl.engines.spool.segments import (
    SEGMENT_BYTES,
    WAITING,
    Segment,
    content,
    create,
    destination,
    mark,
    of,
    parse,
    readable,
    segments,
    write,
)
from ayl.errors import SpoolFull, SpoolUnusable, Unreachable

log = logging.getLogger("ayl")

APPENDING = "lock"


class Waiting(NamedTuple):
    """A record that waits, and where."""

    segment: Segment
    offset: int
    record: Record

    @property
    def place(self) -> str:
        return f"{self.segment.name}:{self.offset}"


class Looked(NamedTuple):
    """What one file of the spool holds, for people."""

    segment: Segment
    waiting: list[Record]
    damage: list[Damage]
    readable: bool
    """False: a later release has written it."""


class Spool:
    """One directory. Its methods raise SpoolUnusable when the disk or the directory is not as it should be."""

    def __init__(self, path: str, limit: int) -> None:
        self.path = path
        self.limit = limit
        """Bytes that all files together may take."""
        self._ends: dict[str, int] = {}  # of each file: up to here all is known to be whole
        self._begins: dict[str, int] = {}  # of each file: before here nothing waits
        self._spoiled: set[str] = set()  # files that could not be written or synced

    def append(self, records: Sequence[Record], kind: str = WAITING) -> list[str | SpoolFull]:
        """Take in records for one engine; for each its place, once it is on the disk, or that it does not fit.

        What does not fit keeps out what comes after it, so that the order holds.
        """
        with opened(self.path, make=True) as directory, self._lock(directory):
            found = segments(directory)
            here = of(found, records[0].engine, kind)
            segment, end = self._tail(directory, here) if here else (None, 0)
            used = sum(other.size for other in found)
            new = segment is None
            if segment is None:
                segment, end = _next(found, records[0].engine, kind), HEADER_SIZE
                used += HEADER_SIZE
            room = self.limit - used if kind == WAITING else None  # what is set aside has been let in before
            parts, outcomes = self._fitting(records, segment, end, room)
            if parts:
                self._write(directory, segment, b"".join(parts), end, new=new)
            return outcomes

    def waits(self, engine: str, kind: str = WAITING) -> bool:
        """Whether there may be calls for this engine; quick."""
        try:
            with opened(self.path) as directory:
                return bool(of(segments(directory), engine, kind))
        except Missing:
            return False

    @contextmanager
    def alone(self, engine: str, seconds: float) -> Iterator[bool]:
        """Keep all others from delivering or withdrawing this engine's calls; whether that could be done in time."""
        with (
            opened(self.path, make=True) as directory,
            locked(directory, f"{destination(engine)}.lock", seconds) as got,
        ):
            yield got

    def oldest(
        self,
        engine: str,
        kind: str,
        most: tuple[int, int],
        seen: set[str],
        passed: Collection[str],
        seconds: float = LOCK_SECONDS,
    ) -> list[Waiting]:
        """The calls whose turn it is, at most so many and so many bytes; for who is `alone`. Empty: none is left.

        Files in which nothing waits are let go of. `seen` learns the ids of calls that are gone; what is at the places
        `passed` is left where it is. `seconds`: how long to wait for the lock.
        """
        with opened(self.path, make=True) as directory, self._lock(directory, seconds):
            for segment in of(segments(directory), engine, kind):
                if not readable(directory, segment):
                    continue
                turn, more = self._turn(directory, segment, most, seen, passed)
                if turn:
                    return turn
                if not more:
                    self._retire(directory, segment)
        return []

    def settle(self, calls: Sequence[Waiting]) -> None:
        """These wait no more; for who is `alone`."""
        with opened(self.path) as directory:
            for segment in dict.fromkeys(call.segment for call in calls):
                mark(directory, segment, [call.offset for call in calls if call.segment == segment])

    def withdraw(self, place: str, message_id: str) -> bool:
        """Take a call out; False if it has been delivered. Unreachable if it is being delivered just now."""
        name, _, offset = place.rpartition(":")
        segment = parse(name)
        if segment is None:
            return False
        try:
            with opened(self.path) as directory, locked(directory, f"{segment.destination}.lock") as got:
                if not got:
                    raise Unreachable(f"the spool {self.path} is being delivered; try again")
                return self._withdraw(directory, segment, int(offset), message_id)
        except Missing:
            return False

    def look(self) -> list[Looked]:
        """All that there is. Takes no lock: what is just being written is not seen."""
        return [*self.files()]

    def files(self) -> Iterator[Looked]:
        """The same, one file after the other, for there may be more than fits into memory."""
        with suppress(Missing), opened(self.path) as directory:
            for segment in segments(directory):
                with suppress(FileNotFoundError):  # drained meanwhile
                    ours = readable(directory, segment)
                    items = [*content(directory, segment)] if ours else []
                    waiting = [item.record for item in items if isinstance(item, Found) and not item.gone]
                    damage = [item for item in items if isinstance(item, Damage)]
                    yield Looked(segment, waiting, damage, ours)

    # With the lock held

    @contextmanager
    def _lock(self, directory: int, seconds: float = LOCK_SECONDS) -> Iterator[None]:
        with locked(directory, APPENDING, seconds) as got:
            if not got:
                raise SpoolUnusable(
                    f"the spool {self.path} has been locked by another process for {seconds:g} s; "
                    "is that one stopped, or the disk too slow?"
                )
            yield

    def _fitting(
        self, records: Sequence[Record], segment: Segment, end: int, room: int | None
    ) -> tuple[list[bytes], list[str | SpoolFull]]:
        parts: list[bytes] = []
        outcomes: list[str | SpoolFull] = []
        for number, record in enumerate(records):
            data = encode(record, segment.salt, end)
            if room is not None and len(data) > room:
                outcomes += [self._full(len(data), room)] * (len(records) - number)
                break
            parts.append(data)
            outcomes.append(f"{segment.name}:{end}")
            end += len(data)
            room = None if room is None else room - len(data)
        return parts, outcomes

    def _full(self, size: int, room: int) -> SpoolFull:
        return SpoolFull(
            f"the spool {self.path} is full: {self.limit - room:,} of {self.limit:,} bytes are taken, and the message "
            f"needs {size:,}. Get a server to answer and deliver what waits (ayl_beanstalk spool drain), or raise "
            "spool_limit"
        )

    def _tail(self, directory: int, here: list[Segment]) -> tuple[Segment | None, int]:
        """The file to append to, and its end; none if another must be begun."""
        segment = here[-1]
        if segment.name in self._spoiled or not HEADER_SIZE <= segment.size < SEGMENT_BYTES:
            return None, 0
        end = self._ends.get(segment.name, 0)
        if end != segment.size:
            if not readable(directory, segment):
                return None, 0
            end = segment.size
            for item in content(directory, segment, self._ends.get(segment.name, 0)):
                if isinstance(item, Damage) and item.end == segment.size:
                    return None, 0  # left as it is, until whoever delivers the rest puts it aside
                if isinstance(item, Torn):
                    end = item.offset
                    self._cut(directory, segment, end)
        return segment, end

    def _cut(self, directory: int, segment: Segment, end: int) -> None:
        _tell_torn(self.path, segment, end)
        file = open_file(directory, segment.name, os.O_RDWR)
        try:
            os.ftruncate(file, end)
        finally:
            os.close(file)

    def _write(self, directory: int, segment: Segment, data: bytes, end: int, *, new: bool) -> None:
        file = create(directory, segment) if new else open_file(directory, segment.name, os.O_RDWR)
        try:
            write(file, data, end)
            os.fdatasync(file)
        except OSError:
            self._spoil(directory, segment, file, end)
            raise
        finally:
            os.close(file)
        self._ends[segment.name] = end + len(data)

    def _spoil(self, directory: int, segment: Segment, file: int, end: int) -> None:
        """What could not be synced was not accepted, so nobody shall find it; and nobody trusts this file again.

        A sync that failed once may say yes the next time, though the data never came to the disk.
        """
        self._spoiled.add(segment.name)
        with suppress(OSError):
            os.ftruncate(file, end)
        with suppress(OSError):  # other processes append to the youngest file
            os.close(create(directory, segment._replace(number=segment.number + 1, salt=_salt())))

    def _turn(
        self, directory: int, segment: Segment, most: tuple[int, int], seen: set[str], passed: Collection[str]
    ) -> tuple[list[Waiting], bool]:
        """The file's calls whose turn it is, and whether any call waits in it."""
        turn: list[Waiting] = []
        more = False
        number, size = most
        for item in content(directory, segment, self._begins.get(segment.name, 0)):
            if not isinstance(item, Found):
                continue
            call = Waiting(segment, item.offset, item.record)
            if item.gone:
                seen.add(call.record.id)
                if not more:
                    self._begins[segment.name] = item.end
                continue
            more = True
            if call.place in passed:
                continue
            size -= len(call.record.body)
            if turn and (len(turn) == number or size < 0):
                break
            turn.append(call)
        return turn, more

    def _retire(self, directory: int, segment: Segment) -> None:
        """Nothing waits in it: let go of it, or put it aside if there is something that nobody can read."""
        damage = []
        for item in content(directory, segment):
            if isinstance(item, Damage):
                damage.append(item)
            elif isinstance(item, Torn):
                _tell_torn(self.path, segment, item.offset)
        for known in (self._ends, self._begins):
            known.pop(segment.name, None)
        if not damage:
            os.unlink(segment.name, dir_fd=directory)
            return
        aside = segment._replace(damaged=True).name
        os.rename(segment.name, aside, src_dir_fd=directory, dst_dir_fd=directory)
        places = ", ".join(f"{item.offset}-{item.end}" for item in damage)
        log.error("%s/%s cannot be read at the bytes %s; it is kept as %s", self.path, segment.name, places, aside)

    def _withdraw(self, directory: int, segment: Segment, offset: int, message_id: str) -> bool:
        try:
            items = [*content(directory, segment, offset)]
        except FileNotFoundError:
            return False
        found = next((item for item in items if item.offset == offset), None)
        if not isinstance(found, Found) or found.gone or found.record.id != message_id:
            return False
        mark(directory, segment, [offset])
        return True


def _next(found: list[Segment], engine: str, kind: str) -> Segment:
    number = max((segment.number for segment in found), default=0) + 1
    return Segment(number, destination(engine), _salt(), kind)


def _salt() -> int:
    return int.from_bytes(os.urandom(4), "little")


def _tell_torn(path: str, segment: Segment, end: int) -> None:
    log.warning(
        "%s/%s: cut off at byte %d, where a process died in the middle of a write; its call had not been accepted",
        path, segment.name, end,
    )  # fmt: skip
