"""Measure ayl_server beside beanstalkd: the same loads, in turns, on the same machine. See README.md."""

import argparse
import dataclasses
import json
import platform
import sys
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.disk import Disk, measure_disk
from benchmarks.goals import Verdict, verdicts
from benchmarks.loads import LOADS, REPLAY
from benchmarks.loads.model import ROUNDS
from benchmarks.processes import KINDS, Cores, Kind, ServerError, allow_many_files, is_built
from benchmarks.quiet import Patience
from benchmarks.replays import run_replays
from benchmarks.report import (
    FIGURES_HEAD,
    GOALS_HEAD,
    HEAD,
    WAITS_HEAD,
    figure_rows,
    goal_rows,
    load_rows,
    start_rows,
    table,
    wait_rows,
)
from benchmarks.rounds import QUICK_ROUNDS, Runs, run_round, say
from benchmarks.startup import Start, bare_python, start
from benchmarks.wire import WrongReplyError

START_UP = "start-up"
STARTS = 15
QUICK_STARTS = 5
PATIENCE = 120.0
PATIENCE_HELP = f"seconds, in all, to wait until others leave the cores alone ({PATIENCE:g})"


@dataclasses.dataclass(slots=True)
class Results:
    """All that a run has shown."""

    loads: dict[str, Runs] = dataclasses.field(default_factory=dict)
    starts: dict[str, list[Start]] = dataclasses.field(default_factory=dict)
    bare: list[float] = dataclasses.field(default_factory=list)
    disk: Disk | None = None
    failed: dict[str, str] = dataclasses.field(default_factory=dict)  # the reason, by load


def main() -> None:
    options = parse(sys.argv[1:])
    try:
        results = run(options)
    except ServerError as error:
        sys.exit(f"benchmark: {error}")
    judged = verdicts(results.loads)
    print_tables(results, judged, quick=options.quick)
    if options.json:
        options.json.write_text(as_json(results, judged))
    if results.failed:
        sys.exit("".join(f"{load}: {reason}\n" for load, reason in results.failed.items()))


def run(options: argparse.Namespace) -> Results:
    allow_many_files()
    cores = Cores.of_this_machine()
    kinds = installed(options.servers, cores)
    patience = Patience(cores, options.patience)
    results = Results()
    if any(name in LOADS and LOADS[name].binlog for name in options.loads):
        results.disk = measure_disk()
        say(str(results.disk))
    # The rounds of a load are spread over the whole run: a machine's bad minute must not be all that one load sees.
    for number in range(1, ROUNDS + 1):
        for name in options.loads:
            if name in results.failed:
                continue
            try:
                run_one(name, number, kinds, cores, options, patience, results)
            except (ServerError, WrongReplyError) as error:  # what the other loads show is still worth having
                say(f"{name} FAILED: {error}")
                results.failed[name] = str(error)
    return results


def run_one(
    name: str,
    number: int,
    kinds: list[Kind],
    cores: Cores,
    options: argparse.Namespace,
    patience: Patience,
    results: Results,
) -> None:
    if name not in (START_UP, REPLAY):
        run_round(name, number, kinds, cores, options, patience, results.loads.setdefault(name, {}))
        return
    if number > 1:  # both have rounds of their own
        return
    patience.wait()
    if name == START_UP:
        results.starts, results.bare = run_starts(kinds, cores, QUICK_STARTS if options.quick else STARTS)
    else:
        run_replays(kinds, cores, options, results.loads.setdefault(name, {}))


def print_tables(results: Results, judged: Sequence[Verdict], *, quick: bool) -> None:
    rows = load_rows(results.loads)
    if results.starts:
        rows += start_rows(results.starts, results.bare)
    if results.disk:
        print(f"{results.disk}\n")
    if judged:
        print("targets" + (" (a quick run: with a fifth of the jobs; a look, nothing to quote)" if quick else ""), "\n")
        print(table(GOALS_HEAD, goal_rows(judged), texts=(0, 1, 2, 4, 5)), "\n")
    if rows:
        print(table(HEAD, rows, texts=(0, 1, 8)))
    if figures := figure_rows(results.loads):
        print("\n" + table(FIGURES_HEAD, figures, texts=(0, 1, 2, 4)))
    if waits := wait_rows(results.loads):
        print("\n" + table(WAITS_HEAD, waits, texts=(0, 1, 2)))


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    loads = [*LOADS, START_UP]
    parser.add_argument("--servers", type=some_of(KINDS), metavar="NAME,...", help=f"of {', '.join(KINDS)}")
    parser.add_argument(
        "--loads", type=some_of(loads), default=loads, metavar="NAME,...", help=f"of {', '.join(loads)}"
    )
    parser.add_argument(
        "--repeat", type=int, metavar="N", help=f"rounds per load ({ROUNDS} at most; quick {QUICK_ROUNDS})"
    )
    parser.add_argument("--quick", action="store_true", help="a fifth of the work: a look, nothing to quote")
    parser.add_argument("--patience", type=float, default=PATIENCE, metavar="S", help=PATIENCE_HELP)
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


def installed(names: list[str] | None, cores: Cores) -> list[Kind]:
    """The servers asked for, or else those that are there."""
    if names is not None:
        return [KINDS[name] for name in names]
    found = []
    for kind in KINDS.values():
        if kind.path() is None:
            say(f"{kind.name}: not installed, left out")
        elif not is_built(kind, cores.server):
            say(f"{kind.name}: not built, left out")
        else:
            found.append(kind)
    return found


def run_starts(kinds: list[Kind], cores: Cores, rounds: int) -> tuple[dict[str, list[Start]], list[float]]:
    """The first round fills the disk cache and is thrown away."""
    starts: dict[str, list[Start]] = {kind.name: [] for kind in kinds}
    bare: list[float] = []
    for _ in range(rounds + 1):
        bare.append(bare_python(cores))
        for kind in kinds:
            starts[kind.name].append(start(kind, cores))
    return {name: measured[1:] for name, measured in starts.items()}, bare[1:]


def as_json(results: Results, judged: Sequence[Verdict]) -> str:
    return json.dumps(
        {
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "machine": platform.platform(),
            "python": platform.python_version(),
            "disk": results.disk,
            "failed": results.failed,
            "targets": judged,
            "loads": results.loads,
            "starts": results.starts,
            "bare_python_seconds": results.bare,
        },
        default=dataclasses.asdict,
        indent=1,
    )


if __name__ == "__main__":
    main()
