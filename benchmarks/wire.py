"""The bytes these loads send and the exact bytes that must come back."""

from collections.abc import Iterable

CRLF = b"\r\n"
BODY = b"x" * 64  # no line feed: replies are counted by them
PRIORITY = 512
RESERVE = b"reserve\r\n"
RESERVE_AT_ONCE = b"reserve-with-timeout 0\r\n"
RESERVED_TAIL = b" %d\r\n%b\r\n" % (len(BODY), BODY)
DELETED = b"DELETED\r\n"

# First byte of a reply -> the number of lines it has. An error word has no entry.
LINES = {ord("I"): 1, ord("R"): 2, ord("D"): 1}

Exchange = tuple[bytes, bytes]
"""What is sent in one write, and all the bytes that must come back."""


class WrongReplyError(Exception):
    """The server answered something else than the load expects; its figures would mean nothing."""


def put(priority: int = PRIORITY, delay: int = 0) -> bytes:
    return b"put %d %d 120 %d\r\n%b\r\n" % (priority, delay, len(BODY), BODY)


PUT = put()


def delete(job_id: bytes) -> bytes:
    return b"delete %b\r\n" % job_id


def reserved_id(reply: bytes) -> bytes:
    return reply[9 : reply.index(b" ", 9)]


def inserted(job_ids: Iterable[int]) -> bytes:
    """The replies to one put for each of these jobs."""
    return b"".join(b"INSERTED %d\r\n" % job_id for job_id in job_ids)


def reserved(job_id: int) -> bytes:
    return b"RESERVED %d%b" % (job_id, RESERVED_TAIL)


def reserve_and_delete(job_ids: Iterable[int]) -> Exchange:
    """For servers that are known to hand out these jobs next, in this order."""
    known = tuple(job_ids)
    asked = b"".join(RESERVE + delete(b"%d" % job_id) for job_id in known)
    return asked, b"".join(reserved(job_id) + DELETED for job_id in known)
