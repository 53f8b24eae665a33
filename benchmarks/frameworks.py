"""ayl and the other task queues of Python, with the same empty call, in one run.

.venv/bin/python benchmarks/frameworks.py                                 # all of them, some 20 minutes
.venv/bin/python benchmarks/frameworks.py --frameworks ayl,dramatiq --rounds 1
.venv/bin/python benchmarks/frameworks.py --calls 100000 --json out.json

The others use Redis (Debian's redis-server, without persistence) and are installed, each in an environment of its own,
when they are first measured. Every round takes them in turns, each with a fresh server. On a virtual machine, waking a
core that has gone to sleep can cost more than all the rest; --no-awake lets them sleep.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.calls import awake  # noqa: E402 - the path must be set first
from benchmarks.comparison import Figures, aims, table  # noqa: E402
from benchmarks.entrants import ENTRANTS, Entrant  # noqa: E402
from benchmarks.environments import Missing, programs, redis, versions  # noqa: E402
from benchmarks.peers.nothing import DIRECTORY  # noqa: E402
from benchmarks.processes import KINDS, Cores, Kind, ServerError, check_modules, greet, running, when_listening  # noqa: E402
from benchmarks.quiet import Patience  # noqa: E402
from benchmarks.workers import NotWorking, Workers, working  # noqa: E402

ENVIRONMENTS = Path("~/.cache/ayl-benchmarks/frameworks").expanduser()
LATENCIES = {"latency": "latency", "latency-after-pauses": "after a pause"}
"""Ways of the producer, and what they are called in the table."""

SETTLE_SECONDS = 1.0
"""After its first call a worker may still have to tidy up."""


@dataclass(frozen=True, slots=True)
class Amounts:
    """How much is measured."""

    calls: int
    samples: int
    """Of the latency."""
    drain_seconds: float
    """Slower workers leave calls unmade."""
    idle_seconds: float


class Stand:
    """A fresh server and whatever works with it."""

    def __init__(self, entrant: Entrant, bin_: Path, port: int, times: Path) -> None:
        self._entrant, self._bin, self._times = entrant, bin_, times
        self._url = f"{'beanstalk' if entrant.server else 'redis'}://127.0.0.1:{port}"
        self._environment = {
            "FRAMEWORKS_SERVER": self._url,
            DIRECTORY: str(times),
            "PYTHONPATH": str(ROOT),
            **entrant.environment,
        }

    def produce(self, what: str, count: int) -> object:
        """What the sender measures."""
        producer = [str(self._bin / "python"), "-m", "benchmarks.peers.producer"]
        command = [*producer, self._entrant.module, what, str(count)]
        environment = os.environ | self._environment
        done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, check=True)
        answer: object = json.loads(done.stdout)
        return answer

    @contextmanager
    def workers(self, processes: int) -> Iterator[Workers]:
        """So many worker processes, and what supervises them."""
        for path in self._times.iterdir():
            path.unlink()
        commands = self._entrant.commands(str(self._bin), self._url, processes)
        with working(commands, self._environment, self._times) as workers:
            yield workers


@contextmanager
def stand(entrant: Entrant, bin_: Path, server: Kind) -> Iterator[Stand]:
    """With a server that nobody has used."""
    core = Cores.of_this_machine().server
    with tempfile.TemporaryDirectory() as times, running(server, core) as started:
        with when_listening(started) as sock:
            if entrant.server:
                greet(sock)
                check_modules(server, started)
        yield Stand(entrant, bin_, started.port, Path(times))


def drained(standing: Stand, processes: int, calls: int, seconds: float) -> tuple[float, float | None]:
    """Calls per second from the first to the last, so that no start-up is counted, and microseconds of CPU for each.

    The latter is None if all were made before anybody looked.
    """
    with standing.workers(processes) as workers:
        workers.first_call()
        cpu, made = workers.cpu_seconds(), workers.times.count()
        at_end = workers.until(calls, seconds)
        spent = workers.cpu_seconds() - cpu
        times = workers.times.sorted()
    rate = (len(times) - 1) * 1e9 / (times[-1] - times[0])
    return rate, spent * 1e6 / (at_end - made) if at_end > made else None


def idle(standing: Stand, processes: int, amounts: Amounts) -> dict[str, float]:
    """Of workers that have made one call: start-up, memory, CPU per second."""
    standing.produce("one-by-one", 0)
    began = time.monotonic_ns()
    with standing.workers(processes) as workers:
        figures = {"start-up, s": (workers.first_call() - began) / 1e9}
        time.sleep(min(SETTLE_SECONDS, amounts.idle_seconds))
        figures["resident, MB"] = workers.resident() / 1e6
        figures["proportional, MB"] = workers.proportional() / 1e6
        cpu = workers.cpu_seconds()
        time.sleep(amounts.idle_seconds)
        figures["idle CPU, ms/s"] = (workers.cpu_seconds() - cpu) * 1e3 / amounts.idle_seconds
        if processes == 1:
            for way, name in LATENCIES.items():
                samples = standing.produce(way, amounts.samples)
                assert isinstance(samples, list)  # noqa: S101 - so says the producer
                samples.sort()
                figures[f"{name} p50, ms"] = samples[len(samples) // 2]
                figures[f"{name} p99, ms"] = samples[len(samples) * 99 // 100]
    return figures


def measure(entrant: Entrant, bin_: Path, server: Kind, amounts: Amounts) -> dict[str, float | None]:
    """All figures of one entrant, once."""
    calls = max(1, amounts.calls // entrant.share)
    figures: dict[str, float | None] = {}
    with stand(entrant, bin_, server) as standing:
        figures["sent one by one, /s"] = number(standing.produce("one-by-one", calls // 4))
    with stand(entrant, bin_, server) as standing:
        figures["sent in bulk, /s"] = number(standing.produce("in-bulk", calls))
        figures["drained, /s"], figures["CPU per call, us"] = drained(standing, 1, calls, amounts.drain_seconds)
    with stand(entrant, bin_, server) as standing:
        standing.produce("in-bulk", calls)
        figures["drained by 2, /s"], _ = drained(standing, 2, calls, amounts.drain_seconds)
    with stand(entrant, bin_, server) as standing:
        figures |= idle(standing, 1, amounts)
    with stand(entrant, bin_, server) as standing:
        two = idle(standing, 2, amounts)
        figures["resident each of 2, MB"] = two["resident, MB"] / 2
        figures["proportional each of 2, MB"] = two["proportional, MB"] / 2
    return figures


def number(answer: object) -> float | None:
    """What the sender has said, if it has."""
    return float(answer) if isinstance(answer, (int, float)) else None


def options_of(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frameworks", default=",".join(ENTRANTS), help="default: all, %(default)s")
    parser.add_argument("--rounds", type=int, default=3, help="medians of so many (default: %(default)s)")
    parser.add_argument("--calls", type=int, default=40_000, help="fewer for slow ones (default: %(default)s)")
    parser.add_argument("--samples", type=int, default=300, help="of the latency (default: %(default)s)")
    parser.add_argument("--drain-seconds", type=float, default=6, help="no longer (default: %(default)s)")
    parser.add_argument("--idle-seconds", type=float, default=4, help="default: %(default)s")
    parser.add_argument("--environments", type=Path, default=ENVIRONMENTS, help="default: %(default)s")
    parser.add_argument("--patience", type=float, default=60, help="seconds to wait for free cores, in all")
    parser.add_argument("--awake", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--json", type=Path, help="write every round's figures to this file")
    options = parser.parse_args(arguments)
    options.frameworks = options.frameworks.split(",")
    for name in options.frameworks:
        if name not in ENTRANTS:
            parser.error(f"{name!r} is none of {', '.join(ENTRANTS)}")
    return options


def all_rounds(
    entrants: Sequence[Entrant], places: Mapping[str, Path], options: argparse.Namespace
) -> tuple[list[Figures], dict[str, str]]:
    """The figures of every round, and who failed and why: one that fails does not keep others from being measured."""
    amounts = Amounts(options.calls, options.samples, options.drain_seconds, options.idle_seconds)
    patience = Patience(Cores.of_this_machine(), options.patience)
    rounds: list[Figures] = []
    failed: dict[str, str] = {}
    with awake(options.awake):
        for turn in range(options.rounds):
            rounds.append({})
            for entrant in entrants:
                patience.wait()
                print(f"round {turn + 1} of {options.rounds}: {entrant.name}", file=sys.stderr)
                server = KINDS[entrant.server] if entrant.server else redis()
                try:
                    rounds[-1][entrant.name] = measure(entrant, places[entrant.name], server, amounts)
                except (NotWorking, ServerError, subprocess.CalledProcessError) as error:
                    failed[entrant.name] = str(error)
    return [{name: one[name] for name in one if name not in failed} for one in rounds], failed


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table of medians."""
    options = options_of(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("terminated"))  # so that no server and no worker is left behind
    entrants = [ENTRANTS[name] for name in options.frameworks]
    try:
        if not all(entrant.server for entrant in entrants):
            redis()
        places = {entrant.name: programs(entrant, options.environments) for entrant in entrants}
    except Missing as error:
        sys.exit(str(error))
    installed = {entrant.name: versions(entrant, places[entrant.name]) for entrant in entrants}
    rounds, failed = all_rounds(entrants, places, options)
    if options.json:
        options.json.write_text(json.dumps({"versions": installed, "rounds": rounds, "failed": failed}, indent=1))
    for entrant in entrants:
        named = ", ".join(f"{name} {version}" for name, version in installed[entrant.name].items())
        print(f"{named}: {entrant.chosen}")
    print(f"\n{options.calls:,} calls (fewer for slow ones), medians of {options.rounds}")
    for line in (*table(rounds), *aims(rounds)):
        print(line)
    if failed:
        sys.exit("\n".join(f"{name} failed: {why}" for name, why in failed.items()))


if __name__ == "__main__":
    main()
