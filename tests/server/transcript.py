"""What a transcript consists of: scenarios, which are steps. README.md beside this file explains each kind."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

TAGS = frozenset({"ayl", "beanstalkd", "memory", "process"})
"""What a target may be called in ``[brackets]``: by its make (the first two) or by how it is run."""


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a scenario. ``tag`` limits it to the targets that carry it ("" means all of them)."""

    line: int
    text: str
    tag: str
    who: str = ""


@dataclass(frozen=True, slots=True)
class Send(Step):
    """``a> text``, ``a>> raw``: neighbouring ones of the same client travel in one packet."""

    data: bytes = b""


@dataclass(frozen=True, slots=True)
class Hear(Step):
    """``a< text``: exactly this line comes next."""

    data: bytes = b""


@dataclass(frozen=True, slots=True)
class HearRaw(Step):
    """``a<< raw``: exactly these bytes come next."""

    data: bytes = b""


@dataclass(frozen=True, slots=True)
class Field:
    """One expected ``key: value`` of a report."""

    line: int
    key: str
    value: str
    tag: str


@dataclass(frozen=True, slots=True)
class HearReport(Step):
    """``a< OK report`` (some fields, any order) or ``a< OK whole report`` (all of them, in this order)."""

    whole: bool = False
    fields: tuple[Field, ...] = ()


@dataclass(frozen=True, slots=True)
class HearList(Step):
    """``a< OK list x y``: a report that is a list of exactly these names, in this order."""

    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HearNothing(Step):
    """``a hears nothing``."""


@dataclass(frozen=True, slots=True)
class SeeEnd(Step):
    """``a sees the end``: the server has closed the connection, and said nothing more."""


@dataclass(frozen=True, slots=True)
class Connect(Step):
    """``a connects``; otherwise a client connects when it is first mentioned."""


@dataclass(frozen=True, slots=True)
class HalfClose(Step):
    """``a half-closes``: nothing more will be sent, replies are still read."""


@dataclass(frozen=True, slots=True)
class HangUp(Step):
    """``a hangs up``: the client is gone."""


@dataclass(frozen=True, slots=True)
class Drain(Step):
    """``drain``: the server gets SIGUSR1."""


@dataclass(frozen=True, slots=True)
class ClockStarts(Step):
    """``clock starts``: later ``at`` lines count from here instead of from the first thing sent."""


@dataclass(frozen=True, slots=True)
class Wait(Step):
    """``wait 1.1``: seconds pass; whatever arrives meanwhile is kept for the lines to come."""

    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class At(Step):
    """``at 2``: until this second of the clock nobody hears anything; what follows comes then, soon."""

    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Scenario:
    """A named conversation with a fresh server, which proves the one fact in its name."""

    part: str
    name: str
    path: Path
    line: int
    options: tuple[str, ...]
    only: str
    steps: tuple[Step, ...]

    @property
    def id(self) -> str:
        """A readable name for pytest: ``put.a-body-may-be-empty``."""
        return f"{self.part}.{slug(self.name)}"

    @property
    def seconds(self) -> float:
        """How much real time the scenario needs, as far as its lines say so."""
        waits = sum(step.seconds for step in self.steps if isinstance(step, Wait))
        return waits + max((step.seconds for step in self.steps if isinstance(step, At)), default=0.0)

    def fits(self, tags: frozenset[str]) -> bool:
        """Whether a target with these tags takes part at all."""
        return not self.only or self.only in tags

    def packets(self, tags: frozenset[str]) -> list[Step]:
        """The steps for a target, neighbouring sends of one client joined."""
        joined: list[Step] = []
        for step in self.steps:
            if step.tag and step.tag not in tags:
                continue
            last = joined[-1] if joined else None
            if isinstance(step, Send) and isinstance(last, Send) and last.who == step.who:
                joined[-1] = replace(last, data=last.data + step.data)
            else:
                joined.append(step)
        return joined


def slug(name: str) -> str:
    """Make a name of letters, digits and hyphens."""
    return re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-").lower()
