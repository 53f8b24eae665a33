"""Medians of the frameworks' figures as a table, and what ayl aims at."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.entrants import PEERS

Figures = dict[str, dict[str, float | None]]
"""Of one round: for each framework, its figures by name; None for what it does not have."""

OURS = "ayl"

FIGURES = (
    "sent one by one, /s",
    "sent in bulk, /s",
    "drained, /s",
    "drained by 2, /s",
    "CPU per call, us",
    "latency p50, ms",
    "latency p99, ms",
    "after a pause p50, ms",
    "after a pause p99, ms",
    "resident, MB",
    "resident each of 2, MB",
    "proportional, MB",
    "proportional each of 2, MB",
    "idle CPU, ms/s",
    "start-up, s",
)
"""The columns of the table; see benchmarks/README.md."""


@dataclass(frozen=True, slots=True)
class Aim:
    """What a figure of ours is to be."""

    figure: str
    limit: float
    at_least: bool
    peers: float | None = None
    """So many times the best peer in the same round, at least or at most; None where peers do not matter."""

    def met(self, value: float, limit: float) -> bool:
        return value >= limit if self.at_least else value <= limit

    def best(self, values: Sequence[float]) -> float:
        return max(values) if self.at_least else min(values)


AIMS = (
    Aim("drained, /s", 40_000, at_least=True, peers=4),
    Aim("latency p50, ms", 0.30, at_least=False, peers=1),
    Aim("CPU per call, us", 22, at_least=False),
    Aim("resident, MB", 30, at_least=False),
    Aim("resident each of 2, MB", 30, at_least=False),
    Aim("idle CPU, ms/s", 1, at_least=False),
)


def table(rounds: Sequence[Figures]) -> Iterator[str]:
    """The lines of a table in Markdown: one for each framework, a column for each figure."""
    yield "| | " + " | ".join(FIGURES) + " |"
    yield "|---|" + "--:|" * len(FIGURES)
    for framework in rounds[0]:
        cells = (written(middle(rounds, framework, name)) for name in FIGURES)
        yield f"| {framework} | " + " | ".join(cells) + " |"


def middle(rounds: Sequence[Figures], framework: str, name: str) -> float | None:
    """The median of the rounds; None for what the framework does not have."""
    values = [value for one in rounds if (value := one[framework].get(name)) is not None]
    return median(values) if values else None


def written(value: float | None) -> str:
    """Three digits say enough."""
    if value is None:
        return "-"
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def aims(rounds: Sequence[Figures]) -> Iterator[str]:
    """A line for each aim: ours, the limit and, where peers took part, the ratio to the best of them."""
    if OURS not in rounds[0]:
        return
    for aim in AIMS:
        ours = middle(rounds, OURS, aim.figure)
        if ours is None:
            continue
        bound = "at least" if aim.at_least else "at most"
        line = f"{aim.figure}: {written(ours)}, aim {bound} {aim.limit:g}: {_verdict(aim.met(ours, aim.limit))}"
        if aim.peers is not None and (ratios := list(_ratios(rounds, aim))):
            times = median(ratios)
            line += f"; {times:.2f} times the best peer, aim {bound} {aim.peers:g}: "
            line += _verdict(aim.met(times, aim.peers))
        yield line


def _ratios(rounds: Sequence[Figures], aim: Aim) -> Iterator[float]:
    for one in rounds:
        ours = one[OURS][aim.figure]
        others = [value for peer in PEERS if (value := one.get(peer.name, {}).get(aim.figure)) is not None]
        if ours is not None and others:
            yield ours / aim.best(others)


def _verdict(met: bool) -> str:
    return "met" if met else "NOT met"
