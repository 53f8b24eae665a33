"""Calls that run in other processes than that of their slot."""

from collections.abc import Sequence
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
        """What it has said last."""

    def taken(self) -> float:
        """Seconds since its lease began."""


class Elsewhere(Protocol):
    """A slot whose calls run in another process."""

    @property
    def jobs(self) -> int:
        """How many it has settled."""

    def running(self) -> Sequence[Call]:
        """The call that runs now, if there is one."""

    def give_back(self) -> bool:
        """At once, all that is in hand."""
