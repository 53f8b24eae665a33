"""The wire: grammar tables, numbers, tube names, reply words. No socket and no state.

Source: beanstalkd's protocol and the behaviour of its 1.13 `prot.c`, where the text and the server
differ. Everything here takes and returns bytes.
"""

import re
from operator import le
from typing import Final

LINE_LIMIT: Final = 224
"""Longest command line in bytes, CR LF included."""

MAX_TUBE_NAME: Final = 200
MAX_U32: Final = 2**32 - 1
MAX_U64: Final = 2**64 - 1
MAX_TIMEOUT: Final = 2**31 - 1
"""Largest argument of `reserve-with-timeout`, seconds."""

URGENT: Final = 1024
"""Ready jobs with a priority below this count as urgent in the statistics."""

PUT_LIMITS: Final = (MAX_U32, MAX_U32, MAX_U32, MAX_U32)

BAD_FORMAT: Final = b"BAD_FORMAT\r\n"
BURIED: Final = b"BURIED\r\n"
DEADLINE_SOON: Final = b"DEADLINE_SOON\r\n"
DELETED: Final = b"DELETED\r\n"
DRAINING: Final = b"DRAINING\r\n"
EXPECTED_CRLF: Final = b"EXPECTED_CRLF\r\n"
JOB_TOO_BIG: Final = b"JOB_TOO_BIG\r\n"
KICKED: Final = b"KICKED\r\n"
NOT_FOUND: Final = b"NOT_FOUND\r\n"
NOT_IGNORED: Final = b"NOT_IGNORED\r\n"
OUT_OF_MEMORY: Final = b"OUT_OF_MEMORY\r\n"
PAUSED: Final = b"PAUSED\r\n"
RELEASED: Final = b"RELEASED\r\n"
TIMED_OUT: Final = b"TIMED_OUT\r\n"
TOUCHED: Final = b"TOUCHED\r\n"
UNKNOWN_COMMAND: Final = b"UNKNOWN_COMMAND\r\n"

Header = tuple[int, int, int, int]
"""Of a put: pri, delay (s), ttr (s, at least 1), size (bytes)."""

_tube_name = re.compile(rb"[A-Za-z0-9+/;.$_()][A-Za-z0-9\-+/;.$_()]{0,199}").fullmatch
_leading_name = re.compile(rb" *([A-Za-z0-9\-+/;.$_()]+)").match
_number = re.compile(rb" *([0-9]+)").match
_kick_bound = re.compile(rb"[ \t\n\v\f\r]*([+-]?)([0-9]+)").match


def tube_name(text: bytes) -> bool:
    """Whether `text` is a legal tube name (protocol: 1 to 200 bytes, not starting with '-')."""
    return _tube_name(text) is not None


def leading_name(text: bytes) -> tuple[bytes, bytes] | None:
    """Blanks, then as many characters as a tube's name may have; and the rest. For `pause-tube` alone.

    The name may still be no legal one: too long, or beginning with '-'.
    """
    found = _leading_name(text)
    return None if found is None else (found[1], text[found.end() :])


def number(text: bytes, limit: int = MAX_U64) -> int | None:
    """The whole of `text` as one unsigned number up to `limit`: leading blanks and digits, nothing else."""
    if text.isdigit() and len(text) < 20:  # the usual case, and short enough to be converted at once
        value = int(text)
        return value if value <= limit else None
    numbers = leading_numbers(text, (limit,))
    return None if numbers is None or numbers[1] else numbers[0][0]


def leading_numbers(text: bytes, limits: tuple[int, ...]) -> tuple[list[int], bytes] | None:
    """One number for each of `limits` from the start of `text`, and the rest; None where one is missing or too large.

    Blanks are optional before a number and only blanks: no sign, no tab, no hexadecimal.
    """
    values = []
    for limit in limits:
        found = _number(text)
        # 20 digits hold every u64; without the bound a hostile line would buy a huge conversion.
        if found is None or len(found[1].lstrip(b"0")) > 20:
            return None
        value = int(found[1])
        if value > limit:
            return None
        values.append(value)
        text = text[found.end() :]
    return values, text


def numbers(text: bytes, limits: tuple[int, ...]) -> list[int] | None:
    """Exactly one number for each of `limits`, nothing behind them."""
    words = text.split(b" ")
    if len(words) == len(limits) and all(words) and b"".join(words).isdigit():  # the usual case
        values = [int(word) for word in words]
        return values if all(map(le, values, limits)) else None
    found = leading_numbers(text, limits)
    return None if found is None or found[1] else found[0]


def put_header(line: bytes) -> tuple[Header, bytes] | None:
    """The numbers of a `put` line and what stands behind them; None if they make no sense."""
    text = line[4:]
    usual = numbers(text, PUT_LIMITS)
    found = leading_numbers(text, PUT_LIMITS) if usual is None else (usual, b"")
    if found is None:
        return None
    (pri, delay, ttr, size), rest = found
    return (pri, delay, max(ttr, 1), size), rest


def kick_bound(text: bytes) -> int | None:
    """The argument of `kick`, as lenient as the original's strtoul: white space, a sign, trailing garbage.

    The result is cut to 32 bits, so `kick -1` kicks everything and `kick 4294967296` nothing.
    """
    found = _kick_bound(text)
    if found is None or len(found[2].lstrip(b"0")) > 20:
        return None
    value = int(found[2])
    if value > MAX_U64:
        return None
    return (-value if found[1] == b"-" else value) & MAX_U32


def body_reply(word: bytes, job_id: int, body: bytes) -> bytes:
    """`RESERVED` or `FOUND` with the job's id, its size and its body."""
    return b"%b %d %d\r\n%b\r\n" % (word, job_id, len(body), body)


def data_reply(data: bytes) -> bytes:
    """`OK` with a YAML document."""
    return b"OK %d\r\n%b\r\n" % (len(data), data)
