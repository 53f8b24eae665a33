"""The calls of a campaign: the same for the same seed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import ayl

from . import mixture
from .figures import Sent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from random import Random

TIME_TO_RUN = 10
"""Seconds: much more than any call takes that is not to overrun it."""

SHORT_TIME_TO_RUN = 1
OVERRUN_SECONDS = 4.0

MANY = 1000
"""Attempts: what is killed or fails here is never given up for that."""


@dataclass(frozen=True)
class Kind:
    """A part of the mixture."""

    share: int
    """Per thousand calls."""
    task: Callable[..., Any]
    args: Callable[[Random], tuple[object, ...]] = lambda _: ()
    time_to_run: int = TIME_TO_RUN
    deadly: bool = False
    """It may end its process, or have it ended."""


def _blocking(chance: Random) -> tuple[object, ...]:
    return chance.choice(sorted(mixture.BLOCKS)), round(chance.uniform(0.02, 0.3), 3)


KINDS: Mapping[str, Kind] = {
    "short": Kind(680, mixture.short),
    "long": Kind(50, mixture.long, lambda chance: (round(chance.uniform(0.1, 0.6), 3),)),
    "coroutine": Kind(90, mixture.rest, lambda chance: (round(chance.uniform(0, 0.2), 3),)),
    "failing": Kind(80, mixture.fail, lambda chance: (chance.randint(1, 3),)),
    "failing coroutine": Kind(40, mixture.fail_in_coroutine, lambda chance: (chance.randint(1, 3),)),
    "blocking in C": Kind(48, mixture.block, _blocking),
    "overrunning": Kind(
        5, mixture.overrun, lambda chance: (chance.choice(sorted(mixture.BLOCKS)), OVERRUN_SECONDS), SHORT_TIME_TO_RUN,
        deadly=True,
    ),
    "overrunning coroutine": Kind(
        2, mixture.overrun_in_coroutine, lambda _: (OVERRUN_SECONDS,), SHORT_TIME_TO_RUN, deadly=True
    ),
    "deadly": Kind(
        5, mixture.die, lambda chance: (chance.choice(sorted(mixture.DEATHS)), chance.randint(1, 2)), deadly=True
    ),
}  # fmt: skip


class Load:
    """Sends the next calls; what was sent so far."""

    def __init__(self, chance: Random) -> None:
        self.sent: dict[int, Sent] = {}
        self._kinds = self._shuffled(chance)
        self._chance = chance

    @staticmethod
    def _shuffled(chance: Random) -> Iterator[str]:
        """In each thousand as many of each kind as are its share."""
        while True:
            thousand = [name for name, kind in KINDS.items() for _ in range(kind.share)]
            chance.shuffle(thousand)
            yield from thousand

    def send(self, number: int) -> None:
        """So many more. Nobody breaks anything meanwhile, so each is acknowledged once."""
        with ayl.batch():
            for call in range(len(self.sent), len(self.sent) + number):
                name = next(self._kinds)
                kind = KINDS[name]
                opts = ayl.opts(time_to_run=kind.time_to_run, failed_job_count=MANY, failed_job_delay=0)
                opts.send(kind.task, call, *kind.args(self._chance))
                self.sent[call] = Sent(name, kind.time_to_run, kind.deadly)
