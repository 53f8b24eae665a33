"""Where a fuzzer's decisions come from: hypothesis, which can shrink them; bytes, as atheris gives; or plain chance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

from hypothesis import strategies as st

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

T = TypeVar("T")


class Choices(Protocol):
    """Makes decisions. The first of several possibilities should be the simplest: that is what shrinking tends to."""

    def below(self, bound: int) -> int:
        """A number from 0 on, less than `bound`."""

    def blob(self, size: int) -> bytes:
        """So many bytes."""


def pick(choices: Choices, things: Sequence[T]) -> T:
    return things[choices.below(len(things))]


def between(choices: Choices, low: int, high: int) -> int:
    """Both can be."""
    return low + choices.below(high - low + 1)


def chance(choices: Choices, percent: int) -> bool:
    return choices.below(100) >= 100 - percent


class Rolled:
    """Chance; the same for the same seed."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng

    def below(self, bound: int) -> int:
        return self._rng.randrange(bound)

    def blob(self, size: int) -> bytes:
        return self._rng.randbytes(size)


class Decoded:
    """Read from bytes that somebody else has thought of; when they are used up, all is 0."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._place = 0

    def below(self, bound: int) -> int:
        width = (max(bound - 1, 0).bit_length() + 7) // 8
        return int.from_bytes(self._take(width), "little") % bound

    def blob(self, size: int) -> bytes:
        return self._take(size).ljust(size, b"\0")

    def _take(self, size: int) -> bytes:
        taken = self._data[self._place : self._place + size]
        self._place += len(taken)
        return taken


class Draw(Protocol):
    """What hypothesis gives to composite strategies, and as `data.draw`."""

    def __call__(self, strategy: st.SearchStrategy[T], /) -> T: ...


class Drawn:
    """Hypothesis's."""

    def __init__(self, draw: Draw) -> None:
        self._draw = draw

    def below(self, bound: int) -> int:
        return self._draw(st.integers(0, bound - 1))

    def blob(self, size: int) -> bytes:
        return self._draw(st.binary(min_size=size, max_size=size))
