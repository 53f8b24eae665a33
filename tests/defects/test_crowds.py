"""D10: what a command costs does not depend on how many tubes there are, nor on how many jobs a client holds."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.crashes.wire import Wire, report
from tests.processes.servers import serving

from .looks import ORIGINAL, Look, ours, tell

if TYPE_CHECKING:
    from pathlib import Path

    from tests.processes.servers import Kind


CROWD = 8000


@dataclass(frozen=True)
class Cost:
    """Of one command, microseconds of the processor."""

    alone: float
    crowded: float

    def __str__(self) -> str:
        return f"{self.alone:.1f} us, and {self.crowded:.1f} us in the crowd"


def _cost(wire: Wire, line: bytes) -> float:
    commands = 2000
    before = _used(wire)
    list(wire.ask_all([line] * commands))
    return (_used(wire) - before) / commands * 1e6


def _used(wire: Wire) -> float:
    stats = report(wire.ask(b"stats\r\n"))
    return float(stats["rusage-utime"]) + float(stats["rusage-stime"])


@Look
def among_tubes(folder: Path, kind: Kind) -> Cost:
    """Of a command that has to do with no tube."""
    with (
        serving(kind, folder, tcp=False) as server,
        closing(Wire(server.dial())) as wire,
        closing(Wire(server.dial())) as crowd,
    ):
        alone = _cost(wire, b"list-tube-used\r\n")
        list(crowd.ask_all([b"watch tube-%d\r\n" % number for number in range(CROWD)]))
        return Cost(alone, _cost(wire, b"list-tube-used\r\n"))


@Look
def among_held_jobs(folder: Path, kind: Kind) -> Cost:
    """Of a touch."""
    with serving(kind, folder, tcp=False) as server, closing(Wire(server.dial())) as wire:
        wire.ask(b"put 0 0 1000 0\r\n\r\n")
        wire.ask(b"reserve\r\n")
        alone = _cost(wire, b"touch 1\r\n")
        list(wire.ask_all([b"put 0 0 1000 0\r\n\r\n"] * CROWD))
        list(wire.ask_all([b"reserve\r\n"] * CROWD))
        return Cost(alone, _cost(wire, b"touch 1\r\n"))


LOOKS = (among_tubes, among_held_jobs)


@ours
def test_a_crowd_makes_commands_no_dearer(kind: Kind) -> None:
    for look in LOOKS:
        cost = look.at(kind)
        tell(f"{kind.name}: {cost}")
        assert cost.crowded < 3 * cost.alone + 5


def test_a_crowd_makes_the_originals_commands_dearer() -> None:
    for look in LOOKS:
        cost = look.at(ORIGINAL)
        tell(f"beanstalkd: {cost}")
        assert cost.crowded > 3 * cost.alone
