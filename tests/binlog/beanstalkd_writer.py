"""Writes binlogs as beanstalkd does: each byte put where its C struct has it, without the reader's help."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

SECOND = 10**9
BIRTH = 1_795_000_000 * SECOND
"""Of the jobs in synthetic logs, ns."""

DELETED, READY, RESERVED, BURIED, DELAYED = range(5)

OFFSETS = {
    "id": (0, 8),
    "pri": (8, 4),
    "delay": (16, 8),
    "ttr": (24, 8),
    "size": (32, 4),
    "created": (40, 8),
    "deadline": (48, 8),
    "reserves": (56, 4),
    "timeouts": (60, 4),
    "releases": (64, 4),
    "buries": (68, 4),
    "kicks": (72, 4),
    "state": (76, 1),
}
"""Where each field is in the struct of a 64-bit machine, and how many bytes it has."""

TIMES = ("delay", "ttr", "created", "deadline")
SIGNED = {"delay", "ttr", "size", "created", "deadline"}


@dataclass(frozen=True)
class Format:
    """A version in a byte order."""

    version: int = 7
    order: Literal["little", "big"] = "little"

    @property
    def header(self) -> bytes:
        return self.version.to_bytes(4, self.order)

    @property
    def length_size(self) -> int:
        """Bytes of the length of a tube's name: an int, and in the older version a size_t."""
        return 8 if self.version == 5 else 4

    @property
    def struct_size(self) -> int:
        return 77 if self.version == 5 else 80

    @property
    def unit(self) -> int:
        """Nanoseconds."""
        return 1000 if self.version == 5 else 1


V7 = Format()
FORMATS = [V7, Format(7, "big"), Format(5, "little"), Format(5, "big")]


@dataclass(frozen=True)
class Record:
    """What beanstalkd writes of a job at one moment."""

    id: int
    state: int = READY
    pri: int = 512
    delay: int = 0  # s
    ttr: int = 120  # s
    created: int = BIRTH  # ns
    deadline: int = 0  # ns
    reserves: int = 0
    timeouts: int = 0
    releases: int = 0
    buries: int = 0
    kicks: int = 0
    tube: bytes = b"shop/1"
    body: bytes = b"body"
    whole: bool = True
    """With tube and body; else it is a change."""

    def raw(self, form: Format = V7, /, **spoiled: int) -> bytes:
        """The bytes; `spoiled` fields of the struct, and `length`, get a value that is given raw."""
        struct = bytearray(form.struct_size)
        for name, (offset, width) in OFFSETS.items():
            value = spoiled.get(name, self.stored(name) // (form.unit if name in TIMES else 1))
            struct[offset : offset + width] = value.to_bytes(width, form.order, signed=name in SIGNED)
        length = spoiled.get("length", len(self.tube) if self.whole else 0)
        start = length.to_bytes(form.length_size, form.order, signed=True)
        return start + self.tube + struct + self.body + b"\r\n" if self.whole else start + struct

    def stored(self, name: str) -> int:
        """A field as the newer version stores it."""
        if name == "size":
            return len(self.body) + 2
        value: int = getattr(self, name)
        return value * SECOND if name in ("delay", "ttr") else value


def log(*records: Record | bytes, form: Format = V7, padding: int = 0) -> bytes:
    """A file of these records, with zeros behind them."""
    raw = (record if isinstance(record, bytes) else record.raw(form) for record in records)
    return form.header + b"".join(raw) + bytes(padding)
