"""The protocol's replies, strictly: whatever the server says must consist of these and nothing else."""

from __future__ import annotations

import re
from dataclasses import dataclass

NUMBER = rb"(0|[1-9][0-9]*)"
TUBE = rb"[A-Za-z0-9+/;.$_()][A-Za-z0-9\-+/;.$_()]{0,199}"

LINE = re.compile(
    rb"INSERTED " + NUMBER + rb"|USING " + TUBE + rb"|WATCHING " + NUMBER + rb"|KICKED( " + NUMBER + rb")?"
    rb"|BURIED|DELETED|RELEASED|TOUCHED|PAUSED|NOT_FOUND|NOT_IGNORED|TIMED_OUT|DEADLINE_SOON"
    rb"|BAD_FORMAT|UNKNOWN_COMMAND|EXPECTED_CRLF|JOB_TOO_BIG|DRAINING|OUT_OF_MEMORY"
)  # fmt: skip
"""Replies of one line. INTERNAL_ERROR is none that this server may give."""

HEAD = re.compile(rb"(?P<word>RESERVED|FOUND) (?P<id>[1-9][0-9]*) (?P<size>0|[1-9][0-9]*)|OK (?P<length>[1-9][0-9]*)")
"""The first line of a reply that bytes follow."""

REPORT = re.compile(rb'---\n([a-z-]+: ("[^"\n]*"|[^"\n]*)\n)+')
LIST = re.compile(rb"---\n(- " + TUBE + rb"\n)*")


class StrangeError(AssertionError):
    """The server said what is no reply of the protocol."""


@dataclass(frozen=True, slots=True)
class Reply:
    line: bytes
    job_id: int = 0
    body: bytes | None = None


def parse(said: bytes) -> list[Reply]:
    """All replies in `said`, which must end with the last of them."""
    replies: list[Reply] = []
    place = 0
    while place < len(said):
        reply, place = _next(said, place)
        replies.append(reply)
    return replies


def _next(said: bytes, start: int) -> tuple[Reply, int]:
    end = said.find(b"\r\n", start)
    line = said[start:end]
    if end < 0:
        raise StrangeError(f"half a reply: {said[start:]!r:.200}")
    if LINE.fullmatch(line):
        return Reply(line), end + 2
    head = HEAD.fullmatch(line)
    if head is None:
        raise StrangeError(f"no reply of the protocol: {line!r:.200}")
    size = int(head["size"] or head["length"])
    body = said[end + 2 : end + 2 + size]
    stop = end + 2 + size + 2
    if len(body) != size or said[stop - 2 : stop] != b"\r\n":
        raise StrangeError(f"not followed by as many bytes as it says: {line!r}")
    if head["word"] is None and not (REPORT.fullmatch(body) or LIST.fullmatch(body)):
        raise StrangeError(f"neither a report nor a list: {body!r:.200}")
    return Reply(line, int(head["id"] or 0), body), stop
