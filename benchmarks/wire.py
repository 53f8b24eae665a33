"""The bytes these loads send and the exact bytes that must come back."""

from collections.abc import Iterable

CRLF = b"\r\n"
BODY = b"x" * 64  # no line feed: replies are counted by them
PUT = b"put 512 0 120 %d\r\n%b\r\n" % (len(BODY), BODY)
RESERVE = b"reserve\r\n"
RESERVED_TAIL = b" %d\r\n%b\r\n" % (len(BODY), BODY)

# First byte of a reply -> the number of lines it has. An error word has no entry.
LINES = {ord("I"): 1, ord("R"): 2, ord("D"): 1}


class WrongReplyError(Exception):
    """The server answered something else than the load expects; its figures would mean nothing."""


def delete(job_id: bytes) -> bytes:
    return b"delete %b\r\n" % job_id


def reserved_id(reply: bytes) -> bytes:
    return reply[9 : reply.index(b" ", 9)]


def inserted(job_ids: Iterable[int]) -> bytes:
    """The replies to one put for each of these jobs."""
    return b"".join(b"INSERTED %d\r\n" % job_id for job_id in job_ids)


def reserved_and_deleted(job_ids: Iterable[int]) -> bytes:
    """The replies to a reserve and a delete for each of these jobs."""
    return b"".join(b"RESERVED %d%bDELETED\r\n" % (job_id, RESERVED_TAIL) for job_id in job_ids)
