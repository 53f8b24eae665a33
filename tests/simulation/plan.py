"""What kind of run a seed stands for: drawn once, before the first event."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ayl_server.binlog.log import Policy
from ayl_server.binlog.records import JOB_FIXED
from ayl_server.binlog.segment import capacity_of, largest
from ayl_server.protocol import MAX_TUBE_NAME

if TYPE_CHECKING:
    import random

USUAL = {
    "put": 20.0,
    "reserve-with-timeout": 14.0,
    "reserve": 4.0,
    "reserve-job": 4.0,
    "delete": 8.0,
    "release": 10.0,
    "bury": 4.0,
    "touch": 3.0,
    "kick": 3.0,
    "kick-job": 3.0,
    "peek": 2.0,
    "peek-some": 2.0,
    "stats-job": 3.0,
    "use": 3.0,
    "watch": 2.0,
    "ignore": 2.0,
    "pause-tube": 1.0,
    "lists": 1.0,
    "report": 0.5,
    "garbage": 0.7,
    "bad-put": 0.7,
    "quit": 0.3,
}
"""How often a client says what, relatively."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the server is started with."""

    segment: int  # bytes, if the largest job needs no more
    sync_after: float | None  # seconds; 0 for a sync in each commit, None for never

    def policy(self, max_job_size: int) -> Policy:
        return Policy(
            capacity_of(self.segment, max_job_size),
            sync_after=self.sync_after,
        )


def fitting(segment: int) -> int:
    """The longest body for which a segment need not be larger."""
    return largest(segment) - JOB_FIXED - MAX_TUBE_NAME


@dataclass(frozen=True, slots=True)
class Plan:
    """The measures of one run."""

    weights: dict[str, float]
    steps: int
    clients: int
    crowd: int  # how many jobs there are before puts become deletes
    # Jobs
    usual_size: int
    largest: int
    large_jobs: float  # how many are large
    delayed: float  # how many are delayed
    longest_ttr: int  # seconds
    max_job_size: int
    max_memory: int | None
    # The binlog
    settings: Settings
    capacity: int  # bytes of the disk
    compaction: int  # bytes per turn
    # The network
    high: int  # bytes kept by a transport before it complains
    room: int  # bytes under way to a client
    output_limit: int
    input_limit: int
    # Trouble, as probabilities per step
    crashes: float
    power_failures: float  # of the crashes
    errors: float
    jumps: float
    full_disks: float
    stops: float
    changes: float  # of the starts: with other settings
    ordered: bool  # whether the disk keeps the changes of a directory in their order


def draw(rng: random.Random) -> Plan:
    """A run like any other, or one that dwells on something."""
    plan = _any(rng)
    if plan.full_disks or plan.capacity < 1000 * plan.settings.segment:
        plan = replace(plan, changes=0.0)  # other segments could need more room than there is
    return rng.choice((_as_it_is, _as_it_is, _cramped, _churning, _crashing, _slow))(rng, plan)


def draw_settings(rng: random.Random) -> Settings:
    return Settings(
        segment=rng.choice((4096, 4096, 8192, 16384, 65536)), sync_after=rng.choice((0.0, 0.0, 0.05, 0.05, 1.0, None))
    )


def _any(rng: random.Random) -> Plan:
    settings = draw_settings(rng)
    max_job_size = rng.choice((65535, fitting(settings.segment), fitting(settings.segment), settings.segment // 4))
    segment = settings.policy(max_job_size).size
    usual = rng.choice((20, 100, 600))
    large = rng.random() < 0.3
    return Plan(
        weights={kind: weight * 2 ** rng.uniform(-1.5, 1.5) for kind, weight in USUAL.items()},
        steps=rng.randint(80, 250),
        clients=rng.randint(1, 6),
        crowd=rng.choice((5, 30, 100)),
        usual_size=usual,
        largest=rng.choice((segment // 2, segment)) if large else usual,
        large_jobs=0.1 if large else 0.0,
        delayed=rng.choice((0.1, 0.5)),
        longest_ttr=rng.choice((3, 30)),
        max_job_size=max_job_size,
        max_memory=rng.choice((None, None, None, 20_000)),
        settings=settings,
        capacity=segment * rng.choice((4, 8, 20, 1000)),
        compaction=rng.choice((400, 2000, 64 * 1024)),
        high=rng.choice((100, 1000, 65536)),
        room=rng.choice((60, 1000, 65536)),
        output_limit=rng.choice((200, 2000, 256 * 1024)),
        input_limit=rng.choice((100, 2000, 64 * 1024)),
        crashes=rng.choice((0.0, 0.02, 0.05)),
        power_failures=rng.choice((0.3, 1.0)),
        errors=rng.choice((0.0, 0.0, 0.01)),
        jumps=rng.choice((0.0, 0.01, 0.05)),
        full_disks=rng.choice((0.0, 0.0, 0.03)),
        stops=rng.choice((0.0, 0.005)),
        changes=rng.choice((0.0, 0.2)),
        ordered=rng.random() < 0.5,
    )


def _as_it_is(rng: random.Random, plan: Plan) -> Plan:
    return plan


def _cramped(rng: random.Random, plan: Plan) -> Plan:
    """A small disk, and jobs that are changed over and over."""
    segment = 4096
    weights = plan.weights | {"release": 40.0, "reserve-with-timeout": 40.0, "kick": 10.0}
    return replace(
        plan,
        weights=weights,
        steps=plan.steps + 100,
        settings=replace(plan.settings, segment=segment),
        capacity=segment * rng.randint(3, 8),
        usual_size=rng.choice((20, 300, 1500)),
        largest=rng.choice((1500, fitting(segment))),
        max_job_size=fitting(segment),
        crowd=rng.choice((5, 30)),
        compaction=rng.choice((100, 400, 2000)),
        max_memory=None,
        full_disks=rng.choice((0.0, 0.1)),
        changes=0.0,
    )


def _churning(rng: random.Random, plan: Plan) -> Plan:
    """Few jobs at a time and many in all, so that the log is compacted all the time."""
    return replace(
        plan,
        weights=plan.weights | {"put": 60.0, "delete": 40.0, "bury": 20.0},
        steps=plan.steps + 100,
        clients=rng.randint(3, 6),
        settings=Settings(4096, rng.choice((0.0, 0.05, 1.0))),
        capacity=4096 * rng.choice((12, 100)),
        usual_size=1000,
        largest=1500,
        max_job_size=fitting(4096),
        crowd=rng.choice((3, 8)),
        max_memory=None,
        crashes=0.05,
        power_failures=1.0,
        changes=0.0,
    )


def _crashing(rng: random.Random, plan: Plan) -> Plan:
    """Hardly a moment's peace, and segments that come and go."""
    return replace(
        plan,
        settings=replace(plan.settings, segment=4096),
        crashes=0.3,
        stops=0.03,
        crowd=rng.choice((3, 10)),
        usual_size=600,
        largest=900,
        max_job_size=fitting(4096),
    )


def _slow(rng: random.Random, plan: Plan) -> Plan:
    """Many clients, of which some hardly read."""
    return replace(plan, clients=12, high=50, room=40, output_limit=100, input_limit=50, crashes=0.0)
