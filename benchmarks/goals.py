"""What the server is to reach, and against what each figure is held: beanstalkd, or its own figure of another load."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median

from benchmarks.loads import REPLAY
from benchmarks.loads.backlog import AT_FEW, AT_MANY, BYTES_PER_JOB, KEPT
from benchmarks.loads.delayed import DUE
from benchmarks.loads.model import BEANSTALKD, COMPILED, PURE
from benchmarks.loads.order import PUT_ONE, PUT_RANDOM, TAKE_ONE, TAKE_RANDOM, TAKE_RELEASED
from benchmarks.loads.tubes import ONE_BY_ONE, PAIRS, PUTS
from benchmarks.loads.watchers import ALONE, AMONG
from benchmarks.meter import Sample
from benchmarks.replays import PROGRESS, SPEED
from benchmarks.rounds import LOST, Runs

Metric = Callable[[Sample], float]
Values = Callable[[Runs, str], list[float]]
"""The runs of a load and the name of a server -> a value for each round; none where the other side is missing."""


def throughput(sample: Sample) -> float:
    return sample.commands_per_second


def cost(sample: Sample) -> float:
    return sample.cpu_us_per_command


def of_peer(metric: Metric, stretch: str = "") -> Values:
    """How many times beanstalkd's, round by round, so that drift cancels out."""

    def values(runs: Runs, server: str) -> list[float]:
        both = zip(runs[server], runs.get(BEANSTALKD, []), strict=False)
        return [metric(own.stretches[stretch]) / metric(peer.stretches[stretch]) for own, peer in both]

    return values


def of_itself(metric: Metric, stretch: str, base: str) -> Values:
    """How many times the same server's figure of another stretch of the same round."""

    def values(runs: Runs, server: str) -> list[float]:
        return [metric(one.stretches[stretch]) / metric(one.stretches[base]) for one in runs[server]]

    return values


def figure(name: str) -> Values:
    def values(runs: Runs, server: str) -> list[float]:
        return [one.figures[name] for one in runs[server]]

    return values


def longest_wait(phase: str) -> Values:
    """Milliseconds, but for what the machine was late by itself."""

    def values(runs: Runs, server: str) -> list[float]:
        return [one.waits[phase].own_longest for one in runs[server]]

    return values


@dataclass(frozen=True, slots=True)
class Goal:
    """A row of the table of targets."""

    load: str
    title: str
    values: Values
    least: float | None = None
    most: float | None = None
    compiled: float | None = None  # the limit of the compiled server, where it is another

    def limit(self, server: str) -> float:
        own = self.least if self.least is not None else self.most
        if own is None:
            raise ValueError(f"{self.title}: no limit")
        return self.compiled if server == COMPILED and self.compiled is not None else own

    def met(self, value: float, server: str) -> bool:
        limit = self.limit(server)
        return value >= limit if self.least is not None else value <= limit

    def wanted(self, server: str) -> str:
        return f"{'at least' if self.least is not None else 'at most'} {self.limit(server):,g}"


GOALS = (
    Goal("put-200", "put, 200 per write: throughput / beanstalkd's", of_peer(throughput), least=2.5),
    Goal("drain-200", "reserve + delete, 200 per write: throughput / beanstalkd's", of_peer(throughput), least=2.5),
    Goal("cycle-50", "50 connections: throughput / beanstalkd's", of_peer(throughput), least=0.8, compiled=0.95),
    Goal("cycle-50", "50 connections: CPU per command / beanstalkd's", of_peer(cost), most=1.4, compiled=1.15),
    Goal("cycle-1", "1 connection: CPU per command / beanstalkd's", of_peer(cost), most=1.7, compiled=1.4),
    Goal(
        "order",
        "put, 1,000 random priorities: throughput / with one priority",
        of_itself(throughput, PUT_RANDOM, PUT_ONE),
        least=0.6,
    ),
    Goal(
        "order",
        "reserve + delete, 1,000 random priorities: throughput / with one priority",
        of_itself(throughput, TAKE_RANDOM, TAKE_ONE),
        least=0.6,
    ),
    Goal(
        "order",
        "reserve + delete, released with old ids: throughput / never reserved",
        of_itself(throughput, TAKE_RELEASED, TAKE_ONE),
        least=0.6,
    ),
    Goal(
        "watchers",
        "a busy pair beside 1,000 idle connections: throughput / alone",
        of_itself(throughput, AMONG, ALONE),
        least=0.9,
    ),
    Goal(
        "backlog",
        "beside 1,000,000 jobs in one tube: CPU per command / beside 1,000",
        of_itself(cost, AT_MANY, AT_FEW),
        most=1.2,
    ),
    Goal("backlog", "1,000,000 jobs in one tube: bytes of memory per job", figure(BYTES_PER_JOB), most=400),
    Goal("backlog", "the same drained: % of that memory kept", figure(KEPT), most=25),
    Goal(
        "backlog-tubes",
        "beside 1,000,000 jobs in 10,000 tubes: CPU per command / beside 1,000",
        of_itself(cost, AT_MANY, AT_FEW),
        most=1.2,
    ),
    Goal("backlog-tubes", "1,000,000 jobs in 10,000 tubes: bytes of memory per job", figure(BYTES_PER_JOB), most=400),
    Goal("backlog-tubes", "the same drained: % of that memory kept", figure(KEPT), most=25),
    Goal("delayed", "1,000,000 jobs falling due over 60 s: longest pause, ms", longest_wait(DUE), most=20),
    Goal("binlog-50", "-f 0, 50 connections: throughput / beanstalkd's", of_peer(throughput), least=3),
    Goal("binlog-50", "the same: jobs lost by kill -9", figure(LOST), most=0),
    Goal("binlog-100", "-f 0, 100 puts per write: throughput / beanstalkd's", of_peer(throughput, "put"), least=5),
    Goal(
        "binlog-100",
        "-f 0, reserve + delete, 100 per write: throughput / beanstalkd's",
        of_peer(throughput, "reserve + delete"),
        least=5,
    ),
    Goal("binlog-100", "the same: jobs lost by kill -9", figure(LOST), most=0),
    Goal("own-tubes", "5,000 connections, a tube each: throughput / beanstalkd's", of_peer(throughput), least=2.5),
    *(
        Goal(
            "idle-tubes",
            f"beside 10,000 idle tubes, {stretch}: throughput / beanstalkd's",
            of_peer(throughput, stretch),
            least=12,
        )
        for stretch in (ONE_BY_ONE, PUTS, PAIRS)
    ),
    Goal(REPLAY, "replay of 1,000,000 jobs: jobs/s", figure(SPEED), least=200_000),
    Goal(REPLAY, "the same: reports of progress on a terminal", figure(PROGRESS), least=2),
)
"""In the order of the loads."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A goal and what one server has shown."""

    title: str
    server: str
    wanted: str
    value: float  # median
    lowest: float
    highest: float
    met: bool


def verdicts(results: Mapping[str, Runs]) -> list[Verdict]:
    found = []
    for goal in GOALS:
        runs = results.get(goal.load, {})
        for server in (PURE, COMPILED):
            values = goal.values(runs, server) if server in runs else []
            if values:
                value = median(values)
                spread = min(values), max(values)
                met = goal.met(value, server)
                found.append(Verdict(goal.title, server, goal.wanted(server), value, *spread, met))
    return found
