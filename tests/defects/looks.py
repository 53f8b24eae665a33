"""Looks: the same is done to beanstalkd and to ours, and tests judge what was seen.

Most of a look is waiting, for times to run to end and for servers to start, so all go on at the same time, aside.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

from tests.crashes.aside import Aside
from tests.processes.servers import AYL_SERVER, BEANSTALKD, ON_ASYNCIO, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

T = TypeVar("T")

ORIGINAL = BEANSTALKD
OURS = (AYL_SERVER, ON_ASYNCIO)

ours = pytest.mark.parametrize("kind", OURS, ids=lambda kind: kind.name)

ALL: list[Look[Any]] = []
"""Of this package."""


class Look(Aside[Kind, T]):
    """A function that does something to a server of a kind, in a folder of its own, and returns what it saw."""

    def __init__(self, body: Callable[[Path, Kind], T]) -> None:
        super().__init__(body, {kind.name: kind for kind in (ORIGINAL, *OURS)})
        ALL.append(self)

    def wanted(self, item: pytest.Function) -> Iterable[str]:
        """The tests of a module judge what was seen in it."""
        return self.cases if item.module.__name__ == self.body.__module__ else ()

    def at(self, kind: Kind) -> T:
        """What was seen there."""
        return self.result(kind.name)


def tell(fact: str) -> None:
    """What is only told, because it depends on chance; `pytest -rP` shows it."""
    sys.stdout.write(f"{fact}\n")
