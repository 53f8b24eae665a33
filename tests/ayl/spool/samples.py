"""Records as senders may make them."""

from __future__ import annotations

from hypothesis import strategies as st

from ayl.engines.spool.records import MARKER, Record, encode

NUMBERS = st.integers(0, 2**32 - 1)
TIMES = st.floats(0, 2**40, allow_nan=False)
NAMES = st.text(max_size=40)
BODIES = st.binary(max_size=200) | st.binary(max_size=20).map(lambda data: data + MARKER + data)

RECORDS = st.builds(Record, NAMES, NAMES, NUMBERS, TIMES, NUMBERS, NAMES, TIMES, BODIES, NAMES)


def record(number: int, size: int = 10, engine: str = "beanstalk://a") -> Record:
    """One that is told from others by its number."""
    return Record(f"id{number}", "shop/1", 512, 0.0, 120, engine, 1.0, b"%d " % number + b"x" * size)


def laid_out(records: list[Record], salt: int, base: int) -> tuple[bytes, list[int]]:
    """The bytes of these records one after the other, and where each begins."""
    parts, places = [], []
    for each in records:
        places.append(base)
        parts.append(encode(each, salt, base))
        base += len(parts[-1])
    return b"".join(parts), places
