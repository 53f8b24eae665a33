"""The facts of a server as Prometheus wants them.

prometheus_client writes those of the server and of the process. The lines for each tube are written here, because
there the library takes twenty times as long, two seconds for ten thousand tubes; and in slices, between which the
clients get their turn. All figures of a tube are of one moment, those of different tubes are not.
"""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version

from prometheus_client import CollectorRegistry, Metric, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily
from prometheus_client.registry import Collector

from ayl_server.binlog.log import Log
from ayl_server.broker import Broker
from ayl_server.model import Tube
from ayl_server.stats import DIALECT

SLICE = 100
"""How many tubes are looked at before the clients get their turn."""

FEW_PRIORITIES = 1000
"""In a tube with more than that, nobody searches for the oldest job."""


@dataclass(frozen=True, slots=True)
class Facts:
    """Whom to ask."""

    broker: Broker
    clock: Callable[[], float]
    log: Log | None
    most_connections: int


class Metrics:
    """All of them, as text."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(_ServerCollector(facts))
        ProcessCollector(registry=self._registry)

    async def write(self) -> list[bytes]:
        """The page, in pieces."""
        broker, clock = self._facts.broker, self._facts.clock
        pieces = [generate_latest(self._registry)]
        lines: list[list[str]] = [[] for _ in TUBE_SAMPLES]
        tubes = list(broker.tubes.values())
        for start in range(0, len(tubes), SLICE):
            now = clock()
            for tube in tubes[start : start + SLICE]:
                _write_tube(tube, now, lines)
            await asyncio.sleep(0)
        for sample, its_lines in zip(TUBE_SAMPLES, lines, strict=True):
            pieces.append(f"{sample.head}{''.join(its_lines)}".encode())
            await asyncio.sleep(0)
        return pieces


class _ServerCollector(Collector):
    """What concerns the whole server."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts

    def collect(self) -> Iterator[Metric]:
        broker = self._facts.broker
        yield InfoMetricFamily(
            "ayl_server",
            "Which server this is; dialect is the version of beanstalkd whose protocol it speaks",
            {"version": version("ayl"), "dialect": DIALECT},
        )
        for name, text, gauge in (
            ("tubes", "Tubes that exist", len(broker.tubes)),
            ("connections", "Clients that are connected", len(broker.sessions)),
            ("connections_limit", "Clients that may be connected at once", self._facts.most_connections),
            ("producers", "Connected clients that have put a job", broker.producers),
            ("workers", "Connected clients that have reserved a job", broker.workers),
            ("waiting_clients", "Clients that wait for a job", broker.waiting),
            ("jobs_memory_bytes", "Memory that jobs take, about", broker.memory),
            ("draining", "1 if new jobs are refused (SIGUSR1)", broker.draining),
            ("job_size_limit_bytes", "The largest body that a job may have", broker.max_job_size),
        ):
            yield GaugeMetricFamily(f"ayl_server_{name}", text, gauge)
        if broker.max_memory is not None:
            text = "Memory that jobs may take (--max-memory)"
            yield GaugeMetricFamily("ayl_server_jobs_memory_limit_bytes", text, broker.max_memory)
        yield from self._counters()
        if self._facts.log is not None:
            yield from _of_binlog(self._facts.log)

    def _counters(self) -> Iterator[Metric]:
        broker = self._facts.broker
        for name, text, counter in (
            ("jobs_put", "Jobs that were taken in", broker.total_jobs),
            ("jobs_refused", "Jobs for which there was no room, in memory or in the binlog", broker.refused),
            ("job_timeouts", "Jobs whose time to run was over before they were settled", broker.timeouts),
            ("connections_accepted", "Clients that have connected", broker.total_sessions),
        ):
            yield CounterMetricFamily(f"ayl_server_{name}", text, counter)
        commands = CounterMetricFamily("ayl_server_commands", "Commands that were understood", labels=["command"])
        for word, count in broker.counts.items():
            commands.add_metric([word.decode()], count)
        yield commands


def _of_binlog(log: Log) -> Iterator[Metric]:
    for name, text, gauge in (
        ("files", "Files in use", len(log.segments)),
        ("bytes", "Size of the files in use", log.used),
        ("live_bytes", "Size of the records that hold the jobs there are", log.live),
        ("room_bytes", "Room for new jobs in files that were made already", max(0, log.room)),
    ):
        yield GaugeMetricFamily(f"ayl_server_binlog_{name}", text, gauge)
    for name, text, counter in (
        ("records_written", "Records written", log.written),
        ("records_migrated", "Jobs written anew by compaction", log.migrated),
    ):
        yield CounterMetricFamily(f"ayl_server_binlog_{name}", text, counter)


def _oldest_ready(tube: Tube, now: float) -> float | None:
    """How long ago the oldest ready job was put; None where it is not known."""
    if tube.ready.priorities > FEW_PRIORITIES:
        return None
    created = min((job.created for job in tube.ready.heads()), default=now)
    return round(now - created, 3)


@dataclass(frozen=True, slots=True)
class _Sample:
    """One line for each tube."""

    name: str
    """Behind `ayl_server_tube_`."""
    text: str
    """What HELP says; empty if that stands above the lines of the sample before."""
    value: Callable[[Tube, float], float | None]
    labels: str = ""
    """Besides the tube's name."""

    @property
    def head(self) -> str:
        name = f"ayl_server_tube_{self.name}"
        kind = "counter" if name.endswith("_total") else "gauge"
        return f"# HELP {name} {self.text}\n# TYPE {name} {kind}\n" if self.text else ""


TUBE_SAMPLES = (
    _Sample("jobs", "Jobs, by state", lambda tube, _: tube.ready.count, ',state="ready"'),
    _Sample("jobs", "", lambda tube, _: tube.reserved, ',state="reserved"'),
    _Sample("jobs", "", lambda tube, _: len(tube.delayed), ',state="delayed"'),
    _Sample("jobs", "", lambda tube, _: len(tube.buried), ',state="buried"'),
    _Sample("urgent_jobs", "Ready jobs with a priority below 1024", lambda tube, _: tube.ready.below),
    _Sample("oldest_ready_age_seconds", "Time since the oldest ready job was put; 0 if none is ready", _oldest_ready),
    _Sample("waiting_clients", "Clients that wait for a job of this tube", lambda tube, _: len(tube.waiters)),
    _Sample("watching_clients", "Clients that watch this tube", lambda tube, _: tube.watchers),
    _Sample("using_clients", "Clients that put into this tube", lambda tube, _: tube.users),
    _Sample("paused", "1 while the tube is paused", lambda tube, _: bool(tube.pause)),
    _Sample("jobs_put_total", "Jobs that were taken in", lambda tube, _: tube.total),
    _Sample("jobs_deleted_total", "Jobs that were deleted", lambda tube, _: tube.deletes),
)


def _write_tube(tube: Tube, now: float, lines: list[list[str]]) -> None:
    name = tube.name.decode()  # the protocol allows no character in it that would have to be escaped
    for sample, its_lines in zip(TUBE_SAMPLES, lines, strict=True):
        value = sample.value(tube, now)
        if value is not None:
            its_lines.append(f'ayl_server_tube_{sample.name}{{tube="{name}"{sample.labels}}} {value + 0}\n')
