"""Segments: the files of the log, by name and in memory."""

import re
from array import array
from collections.abc import Callable, Iterable

from ayl_server.binlog.records import (
    CHANGE_SIZE,
    DELETION_SIZE,
    END_SIZE,
    HEADER_SIZE,
    JOB_FIXED,
    MARK_SIZE,
    RETIRED_SIZE,
    STOP,
)
from ayl_server.model import Job
from ayl_server.protocol import MAX_TUBE_NAME

UPKEEP = CHANGE_SIZE + DELETION_SIZE + 2 * MARK_SIZE
"""Bytes kept for what may still have to be written about a job: one change, its deletion, a mark before each."""

LAST_WORDS = RETIRED_SIZE
"""Bytes kept in each segment to tell, when it is full, which one is needed no more; see `Log`."""

SEGMENT = "ayl-binlog.{}"
"""Not beanstalkd's `binlog.N`: it deletes files of that name which it cannot read."""

RESERVE = "reserve.{}"
"""Files that hold nothing yet, or nothing any more: room that is ours whatever else fills the disk."""

PAGE = 4096

_numbered = re.compile(r"(ayl-binlog|reserve)\.([1-9][0-9]*)").fullmatch


class Segment:
    """One file of records, as the log knows it."""

    __slots__ = ("capacity", "compacted", "filled", "ids", "live", "number", "salt")

    def __init__(self, number: int, salt: int, capacity: int) -> None:
        self.number = number
        self.salt = salt
        self.capacity = capacity  # bytes of the file
        self.ids = array("Q")  # of the whole jobs written here, living and dead
        self.compacted = 0  # how many of these have been looked at
        self.live = 0  # how many jobs have their whole record here
        self.filled = 0  # bytes of what was reported, once the segment is closed

    @property
    def limit(self) -> int:
        """Where records must end, so that the segment can be closed and can tell which one retires for the next."""
        return self.end - LAST_WORDS

    @property
    def end(self) -> int:
        """Where records end that are the segment's last words."""
        return self.copy_at - END_SIZE - len(STOP)

    @property
    def copy_at(self) -> int:
        """Where the header is repeated."""
        return self.capacity - HEADER_SIZE

    @property
    def name(self) -> str:
        return SEGMENT.format(self.number)

    def next_living(self, find: Callable[[int], Job | None]) -> Job | None:
        """The job that is to be moved next; None if the one that was written next lives here no more."""
        job = find(self.ids[self.compacted])
        if job is not None and job.file == self.number:
            return job
        self.compacted += 1
        return None


def usable(capacity: int) -> int:
    """Bytes of records that a file of `capacity` bytes takes."""
    return capacity - 2 * HEADER_SIZE - END_SIZE - len(STOP) - LAST_WORDS


def largest(capacity: int) -> int:
    """Bytes of the largest record that a file of `capacity` bytes takes: each segment begins with a mark."""
    return usable(capacity) - MARK_SIZE


def capacity_for(size: int) -> int:
    """Bytes of a file that takes a record of `size` bytes: whole pages of the disk."""
    return page(size - largest(0))


def capacity_of(asked: int, body: int) -> int:
    """Bytes of a log's files: as many as were asked for, unless the largest job, with a body so long, needs more."""
    return max(page(asked), capacity_for(JOB_FIXED + MAX_TUBE_NAME + body))


def files_for(sizes: Iterable[int], capacity: int) -> int:
    """How many files of `capacity` bytes take records of these sizes, and what is kept for each and to spare."""
    each = largest(capacity)
    files, left, kept = 2, 0, 0
    for size in sizes:
        kept += UPKEEP
        if size > left:
            files += 1
            left = each
        left -= size
    return files + kept // each + 1


def numbers(names: list[str], kind: str) -> list[int]:
    """The numbers of the files of that kind (`ayl-binlog` or `reserve`), in order."""
    return sorted(int(found[2]) for name in names if (found := _numbered(name)) and found[1] == kind)


def page(size: int) -> int:
    """`size` rounded up to whole pages of the disk."""
    return -(-size // PAGE) * PAGE
