"""What can happen in a run, one thing at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .commands import Command


@dataclass(frozen=True)
class Connect:
    who: str


@dataclass(frozen=True)
class Send:
    """Several commands in one write, or the beginning of them."""

    who: str
    commands: tuple[Command, ...]
    first: int | None = None
    """How many bytes are sent now; the rest is held back for CarryOn. None for all."""


@dataclass(frozen=True)
class CarryOn:
    """Some more of the bytes that were held back."""

    who: str
    size: int


@dataclass(frozen=True)
class HalfClose:
    """Send no more, and go on listening."""

    who: str


@dataclass(frozen=True)
class HangUp:
    who: str


@dataclass(frozen=True)
class Drain:
    """The operator's signal: no more jobs."""


@dataclass(frozen=True)
class Probe:
    """The observer asks for every report there is."""


@dataclass(frozen=True)
class Harvest:
    """The observer fetches everything that is left, which shows in what order it lay there."""


Step = Connect | Send | CarryOn | HalfClose | HangUp | Drain | Probe | Harvest
