"""Calls that run in other processes than that of their slot."""

from typing import Protocol

from ayl.engines.base import Lease
from ayl.message import Message


class Call(Protocol):
    """One that runs, as operators are told of it."""

    @property
    def message(self) -> Message: ...

    @property
    def lease(self) -> Lease: ...

    @property
    def progress(self) -> float | str | None:
        """What it has said of that."""


class Elsewhere(Protocol):
    """A slot whose calls run in another process."""

    @property
    def call(self) -> Call | None:
        """The one that runs, as far as it is known here."""

    @property
    def ended(self) -> int:
        """How many have."""

    def give_back(self) -> bool:
        """At once, all that is in hand."""
