"""The task queues that are measured side by side: what each needs and how its worker is started."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Entrant:
    """One task queue, set up for speed as its own documentation advises."""

    name: str
    worker: str
    """The command line of its worker. {bin}: where its programs are, {server}: the server's URL, {processes} or
    {number}: how many processes, or which of them, where a worker is one process and is started so many times."""
    chosen: str
    """One line: what was chosen."""
    requirements: tuple[str, ...] = ()
    """What to install for it; nothing for ours."""
    environment: Mapping[str, str] = field(default_factory=dict)
    share: int = 1
    """Slow ones get so many times fewer calls, that a round ends in time."""
    server: str = ""
    """Of `benchmarks.processes`; empty for Redis."""
    module: str = ""
    """In `benchmarks/peers`; empty if it has this name."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "module", self.module or self.name)

    def commands(self, programs: str, server: str, processes: int) -> list[list[str]]:
        """What to start for so many worker processes."""
        words = self.worker.split()
        times = 1 if "{processes}" in words else processes
        return [
            [word.format(bin=programs, server=server, processes=processes, number=number) for word in words]
            for number in range(times)
        ]

    @property
    def distributions(self) -> tuple[str, ...]:
        """What is installed for it: names without versions and extras."""
        return tuple(one.partition("==")[0].partition("[")[0] for one in self.requirements)


# Redis's parser in C for all. One environment each: arq wants a redis-py before 6, Celery one after.
FAST = "hiredis==3.5.0"
LOOP = "uvloop==0.23.0"

WORKER = "{bin}/ayl_worker --require benchmarks.peers.ayl --workers {processes} --log-level ERROR"

OURS = (
    Entrant(
        "ayl",
        WORKER,
        "its defaults; ayl_server compiled, as docs/server.md advises for speed",
        server="ayl_server-compiled",
    ),
    Entrant("ayl-pure", WORKER, "its defaults; ayl_server in pure Python", server="ayl_server", module="ayl"),
    Entrant("ayl-beanstalkd", WORKER, "its defaults; Debian's beanstalkd", server="beanstalkd", module="ayl"),
)

BARE = Entrant(
    "greenstalk",
    "{bin}/python -m benchmarks.peers.greenstalk {server}",
    "no framework: put, and a loop of reserve and delete; Debian's beanstalkd",
    server="beanstalkd",
)
"""What any of ours can be measured by: it decides nothing, checks nothing and survives nothing."""

PEERS = (
    Entrant(
        "celery",
        (
            "{bin}/celery -A benchmarks.peers.celery worker -n {number}@measured -P solo --loglevel ERROR"
            " --without-gossip --without-mingle --without-heartbeat"
        ),
        "pool solo, results ignored, prefetch 128, no rate limits, gossip, mingle or heartbeat",
        ("celery[redis]==5.7.0", FAST),
        share=3,
    ),
    Entrant(
        "rq",
        ("{bin}/rq worker --worker-class rq.SimpleWorker --quiet --disable-job-desc-logging --url {server} measured"),
        "SimpleWorker (does not fork for each call), results not kept, no descriptions, quiet",
        ("rq==3.0.0", FAST),
        share=8,
    ),
    Entrant(
        "dramatiq",
        "{bin}/dramatiq --processes {processes} --threads 1 benchmarks.peers.dramatiq",
        "1 thread in each process, prefetch 1,000, no results",
        ("dramatiq[redis]==2.2.1", FAST),
        {"dramatiq_queue_prefetch": "1000"},
    ),
    Entrant(
        "huey",
        "{bin}/huey_consumer benchmarks.peers.huey.huey --workers 1 --no-periodic --disable-health-check --quiet",
        "1 thread in each process, blocking pop, no results, no periodic tasks, no health checks, quiet",
        ("huey[redis]==3.5.4", FAST),
        share=2,
    ),
    Entrant(
        "arq",
        "{bin}/arq benchmarks.peers.arq.Settings --custom-log-dict benchmarks.peers.arq.QUIET",
        "100 calls at a time, polls every 5 ms, results not kept, uvloop, quiet",
        ("arq==0.28.0", FAST, LOOP),
        share=4,
    ),
    Entrant(
        "taskiq",
        (
            "{bin}/taskiq worker benchmarks.peers.taskiq:broker --workers {processes} --max-async-tasks 100"
            " --max-prefetch 100 --no-parse --log-level ERROR"
        ),
        "Redis stream, 100 calls at a time and 100 fetched ahead, no parsing, no results, orjson, uvloop",
        ("taskiq[orjson,uv]==0.13.0", "taskiq-redis==1.2.4", FAST),
        share=2,
    ),
    Entrant(
        "saq",
        "{bin}/saq benchmarks.peers.saq.settings --workers {processes} --quiet",
        "50 calls at a time, results not kept, no time limits, uvloop, quiet",
        ("saq[hiredis]==0.26.4", "typing-extensions==4.16.0", FAST, LOOP),
        share=4,
    ),
)

ENTRANTS = {entrant.name: entrant for entrant in (*OURS, BARE, *PEERS)}
