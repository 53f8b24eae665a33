"""Whole runs: from a seed, or again from steps that are given."""

from __future__ import annotations

import random
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .duel import Duel, Entry
from .generator import Generator
from .servers import started
from .settings import JUDGE, Settings
from .steps import HalfClose, HangUp, Harvest, Probe, Step

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

DRAINED = 0.3
"""How many runs end with a server that takes no more jobs."""


@dataclass
class Outcome:
    """What came of a run."""

    settings: Settings
    entries: list[Entry]
    fault: str = ""
    """What is wrong with our server apart from what it said."""

    @property
    def fair(self) -> bool:
        """Whether both servers said the same."""
        return not self.fault and not any(entry.wrong for entry in self.entries)

    @property
    def steps(self) -> list[Step]:
        return [entry.step for entry in self.entries]


@contextmanager
def _duel(settings: Settings) -> Iterator[Duel]:
    with started((JUDGE, settings.ours), "-z", str(settings.max_body)) as (theirs, ours):
        yield Duel(theirs, ours, settings)


def run(settings: Settings, seed: int, steps: int) -> Outcome:
    """Steps from a seed, and in the end a look at all that is left; or up to the first difference."""
    rng = random.Random(seed)  # noqa: S311 - repeatable, not secret
    with _duel(settings) as duel:
        drain_at = rng.randint(steps * 2 // 3, steps) if rng.random() < DRAINED else None
        generator = Generator(rng, settings, duel.view, drain_at=drain_at)
        for _ in range(steps):
            entry = duel.take(generator.next())
            if entry is not None and entry.wrong:
                return Outcome(settings, duel.entries)
        return _ended(duel)


def replay(settings: Settings, steps: Sequence[Step]) -> Outcome:
    """Given steps up to the first difference, leaving out those that are not fair (any more)."""
    with _duel(settings) as duel:
        for step in steps:
            entry = duel.take(step)
            if entry is not None and entry.wrong:
                break
        return Outcome(settings, duel.entries, _fault(duel))


def _ended(duel: Duel) -> Outcome:
    farewell: list[Step] = []
    for who, party in duel.view.parties.items():
        farewell.append(HalfClose(who) if party.backlogged else HangUp(who))
    for step in (*farewell, Probe(), Harvest()):
        entry = duel.take(step)
        if entry is not None and entry.wrong:
            break
    return Outcome(duel.settings, duel.entries, _fault(duel))


def _fault(duel: Duel) -> str:
    log = duel.peers[1].server.log()
    return f"there was an error inside: {log}" if "Traceback" in log else ""
