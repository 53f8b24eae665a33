"""One file's bytes: those that processes see, and those that a power failure leaves.

What was written and not synced is kept write by write. A sector goes to the platter as it was after some of the
writes that touched it, each sector for itself; rarely it is torn between two of those states.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random

SECTOR = 512


class Luck(Enum):
    """How much of what was not synced survives a power failure."""

    NOTHING = "nothing"
    EVERYTHING = "everything"
    IN_ORDER = "the first writes, the last of them in part"
    SECTORS = "any sectors"


class Bytes:
    """The contents of one file."""

    def __init__(self, size: int) -> None:
        self.seen = bytearray(size)
        self.kept: bytearray = bytearray()
        """What is on the platter; empty until the first sync, because the file's size is not there either."""
        self.writes: list[tuple[int, bytes]] = []
        self._touched = False

    @property
    def safe(self) -> bool:
        """Whether all that was ever written is on the platter."""
        return not self._touched or (not self.writes and self.seen == self.kept)

    def write(self, offset: int, data: bytes) -> None:
        self._touched = True
        self.seen[offset : offset + len(data)] = data
        self.writes.append((offset, data))

    def sync(self) -> None:
        self._settle_size()
        for offset, data in self.writes:
            self.kept[offset : offset + len(data)] = data
        self.writes.clear()

    def lose_power(self, rng: random.Random, luck: Luck) -> None:
        """From now on processes see what was kept."""
        self.keep_some(rng, luck)
        self.seen = bytearray(self.kept)

    def keep_some(self, rng: random.Random, luck: Luck) -> None:
        """Some of what was not synced reaches the platter, and nothing else of it ever will."""
        if luck is not Luck.NOTHING and (self.writes or rng.random() < 0.5):
            self._settle_size()
        if luck is Luck.EVERYTHING:
            self.sync()
        elif luck is Luck.IN_ORDER:
            self._keep_first(rng)
        elif luck is Luck.SECTORS:
            self._keep_sectors(rng)
        self.writes.clear()

    def _settle_size(self) -> None:
        if not self.kept:
            self.kept = bytearray(len(self.seen))

    def _keep_first(self, rng: random.Random) -> None:
        whole = rng.randint(0, len(self.writes))
        for offset, data in self.writes[:whole]:
            self.kept[offset : offset + len(data)] = data
        if whole < len(self.writes):
            offset, data = self.writes[whole]
            part = data[: rng.randint(0, len(data))]
            self.kept[offset : offset + len(part)] = part

    def _keep_sectors(self, rng: random.Random) -> None:
        torn = rng.random() < 0.2
        pieces: dict[int, list[tuple[int, bytes]]] = {}
        for offset, data in self.writes:
            for place, piece in _by_sector(offset, data):
                pieces.setdefault(place // SECTOR, []).append((place, piece))
        chance = rng.random()
        for sector in pieces.values():
            for place, piece in sector:
                if rng.random() > chance:
                    part = piece[: rng.randint(0, len(piece))] if torn else b""
                    self.kept[place : place + len(part)] = part
                    break
                self.kept[place : place + len(piece)] = piece


def _by_sector(offset: int, data: bytes) -> list[tuple[int, bytes]]:
    """The pieces of `data` that lie in one sector each, with their offsets."""
    pieces = []
    start = 0
    while start < len(data):
        stop = min(len(data), (offset + start) // SECTOR * SECTOR + SECTOR - offset)
        pieces.append((offset + start, data[start:stop]))
        start = stop
    return pieces
