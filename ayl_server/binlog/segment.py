"""Segments: the files of the log, by name and in memory."""

import re
from array import array
from collections.abc import Iterable

from ayl_server.binlog.records import CHANGE_SIZE, DELETION_SIZE, END_SIZE, HEADER_SIZE, MARK_SIZE, STOP

UPKEEP = CHANGE_SIZE + DELETION_SIZE + 2 * MARK_SIZE
"""Bytes kept for what may still have to be written about a job: one change, its deletion, a mark before each."""

SEGMENT = "ayl-binlog.{}"
"""Not beanstalkd's `binlog.N`: it deletes files of that name which it cannot read."""

RESERVE = "reserve.{}"
"""Files that hold nothing yet, or nothing any more: room that is ours whatever else fills the disk."""

PAGE = 4096

_numbered = re.compile(r"(ayl-binlog|reserve)\.([1-9][0-9]*)").fullmatch


class Segment:
    """One file of records, as the log knows it."""

    __slots__ = ("capacity", "compacted", "ids", "live", "number", "salt")

    def __init__(self, number: int, salt: int, capacity: int) -> None:
        self.number = number
        self.salt = salt
        self.capacity = capacity  # bytes of the file
        self.ids = array("Q")  # of the whole jobs written here, living and dead
        self.compacted = 0  # how many of these have been looked at
        self.live = 0  # how many jobs have their whole record here

    @property
    def limit(self) -> int:
        """Where records must end, so that the segment can be closed."""
        return self.copy_at - END_SIZE - len(STOP)

    @property
    def copy_at(self) -> int:
        """Where the header is repeated."""
        return self.capacity - HEADER_SIZE

    @property
    def name(self) -> str:
        return SEGMENT.format(self.number)


def usable(capacity: int) -> int:
    """Bytes of records that a file of `capacity` bytes takes."""
    return capacity - 2 * HEADER_SIZE - END_SIZE - len(STOP)


def capacity_for(size: int) -> int:
    """Bytes of a file that can take records of `size` bytes."""
    return size + 2 * HEADER_SIZE + END_SIZE + len(STOP)


def files_for(sizes: Iterable[int], capacity: int) -> int:
    """How many files of `capacity` bytes take records of these sizes, and what is kept for each and to spare.

    Of records that are larger than a file only what is kept for them counts.
    """
    each = usable(capacity) - 2 * MARK_SIZE
    files, left, kept = 2, 0, 0
    for size in sizes:
        kept += UPKEEP
        if size <= each:
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
