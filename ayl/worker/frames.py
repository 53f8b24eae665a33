"""What a relay and its child say to each other: frames of plain data and raw bytes. Pure.

4 bytes    how long the head is
4 bytes    how long the rest is
the head   a JSON object
the rest   bodies of jobs, one after the other; the head tells their sizes where there are several
"""

import json
from struct import Struct
from typing import Any

Head = dict[str, Any]
Frame = tuple[Head, bytes]

_SIZES = Struct("!II")
_write = json.JSONEncoder(separators=(",", ":")).encode


def written(head: Head, *bodies: bytes) -> bytes:
    """As it goes over the wire."""
    text = _write(head).encode()
    return b"".join((_SIZES.pack(len(text), sum(map(len, bodies))), text, *bodies))


def parted(rest: bytes, sizes: list[int]) -> list[bytes]:
    """The bodies of that size each."""
    bodies, begin = [], 0
    for size in sizes:
        bodies.append(rest[begin : begin + size])
        begin += size
    return bodies


class Reader:
    """Of one end: bytes come in as they arrive, frames come out."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def feed(self, data: bytes) -> None:
        self._bytes += data

    def next(self) -> Frame | None:
        """The next frame; None until all of it is there."""
        if len(self._bytes) < _SIZES.size:
            return None
        head, rest = _SIZES.unpack_from(self._bytes)
        begin, end = _SIZES.size + head, _SIZES.size + head + rest
        if len(self._bytes) < end:
            return None
        frame = json.loads(self._bytes[_SIZES.size : begin]), bytes(self._bytes[begin:end])
        del self._bytes[:end]
        return frame
