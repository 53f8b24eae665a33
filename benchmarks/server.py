"""Measure ayl_server beside beanstalkd: the same loads, in turns, on the same machine. See README.md."""

import argparse
import dataclasses
import json
import platform
import sys
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.generator import measure
from benchmarks.loads import LOADS, Target
from benchmarks.meter import Sample
from benchmarks.processes import KINDS, Cores, Kind, ServerError, check_loop, greet, running, when_listening
from benchmarks.report import load_rows, start_rows, table
from benchmarks.startup import Start, bare_python, start
from benchmarks.wire import WrongReplyError

START_UP = "start-up"
ROUNDS = 5
STARTS = 15
QUICK_SHARE = 5  # a quick run does a fifth of the work
QUICK_ROUNDS = 3
QUICK_STARTS = 5


def main() -> None:
    options = parse(sys.argv[1:])
    try:
        cores = Cores.of_this_machine()
        kinds = installed(options.servers)
        samples = {name: run_load(name, kinds, cores, options) for name in options.loads if name != START_UP}
        rows = [row for name, by_server in samples.items() for row in load_rows(LOADS[name].title, by_server)]
        starts: dict[str, list[Start]] = {}
        bare: list[float] = []
        if START_UP in options.loads:
            starts, bare = run_starts(kinds, cores, QUICK_STARTS if options.quick else STARTS)
            rows += start_rows(starts, bare)
    except (ServerError, WrongReplyError) as error:
        sys.exit(f"benchmark: {error}")
    print(table(rows))
    if options.json:
        options.json.write_text(as_json(samples, starts, bare))


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    loads = [*LOADS, START_UP]
    parser.add_argument("--servers", type=some_of(KINDS), metavar="NAME,...", help=f"of {', '.join(KINDS)}")
    parser.add_argument(
        "--loads", type=some_of(loads), default=loads, metavar="NAME,...", help=f"of {', '.join(loads)}"
    )
    parser.add_argument("--repeat", type=int, metavar="N", help=f"rounds per load ({ROUNDS}; quick {QUICK_ROUNDS})")
    parser.add_argument("--quick", action="store_true", help="a fifth of the work: a look, nothing to quote")
    parser.add_argument("--sleep", action="store_true", help="a generator that sleeps until there is a reply")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every sample to FILE")
    return parser.parse_args(arguments)


def some_of(known: Collection[str]) -> Callable[[str], list[str]]:
    def split(text: str) -> list[str]:
        names = text.split(",")
        unknown = [name for name in names if name not in known]
        if unknown:
            raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: not one of {', '.join(known)}")
        return names

    return split


def installed(names: list[str] | None) -> list[Kind]:
    """The servers asked for, or else those that are there."""
    if names is not None:
        return [KINDS[name] for name in names]
    found = []
    for kind in KINDS.values():
        if kind.path() is None:
            say(f"{kind.name}: not installed, left out")
        else:
            found.append(kind)
    return found


def run_load(name: str, kinds: list[Kind], cores: Cores, options: argparse.Namespace) -> dict[str, list[Sample]]:
    """In turns, A B A B, so that a machine that gets slower gets slower for all."""
    rounds = options.repeat or (QUICK_ROUNDS if options.quick else ROUNDS)
    commands = LOADS[name].commands // (QUICK_SHARE if options.quick else 1)
    samples: dict[str, list[Sample]] = {kind.name: [] for kind in kinds}
    for number in range(1, rounds + 1):
        for kind in kinds:
            with running(kind, cores.server) as server:
                with when_listening(server) as sock:
                    greet(sock)
                check_loop(kind, server)
                target = Target(server.port, server.process.pid)
                sample = measure(name, target, commands, cores.generator, sleep=options.sleep)
            samples[kind.name].append(sample)
            say(
                f"{name} {number}/{rounds} {kind.name}: {sample.commands_per_second:,.0f}/s,"
                f" {sample.cpu_us_per_command:.2f} us,"
                f" queued {sample.queued_seconds / sample.seconds:.1%}"
            )
    return samples


def run_starts(kinds: list[Kind], cores: Cores, rounds: int) -> tuple[dict[str, list[Start]], list[float]]:
    """The first round fills the disk cache and is thrown away."""
    starts: dict[str, list[Start]] = {kind.name: [] for kind in kinds}
    bare: list[float] = []
    for _ in range(rounds + 1):
        bare.append(bare_python(cores))
        for kind in kinds:
            starts[kind.name].append(start(kind, cores))
    return {name: measured[1:] for name, measured in starts.items()}, bare[1:]


def as_json(samples: dict[str, dict[str, list[Sample]]], starts: dict[str, list[Start]], bare: list[float]) -> str:
    return json.dumps(
        {
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "machine": platform.platform(),
            "python": platform.python_version(),
            "loads": samples,
            "starts": starts,
            "bare_python_seconds": bare,
        },
        default=dataclasses.asdict,
        indent=1,
    )


def say(line: str) -> None:
    """Progress; the table alone goes to stdout."""
    print(line, file=sys.stderr)


if __name__ == "__main__":
    main()
