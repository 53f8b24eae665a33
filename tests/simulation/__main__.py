"""The long run, and the replay of a seed: python -m tests.simulation --seeds 0:20000."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor

from .run import Outcome, run


def main() -> None:
    """The command."""
    options = _parse()
    if options.seed is not None:
        outcome = run(options.seed, say if options.verbose else None)
        say(complaint(outcome) if outcome.failure else told(outcome))
        sys.exit(1 if outcome.failure else 0)
    first, _, end = options.seeds.partition(":")
    sys.exit(1 if long_run(range(int(first), int(end)), options.processes) else 0)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, help="this one alone")
    parser.add_argument("--seeds", default="0:1000", help="from:to (without the last)")
    parser.add_argument("--processes", type=int, default=os.cpu_count(), help="how many at a time")
    parser.add_argument("-v", "--verbose", action="store_true", help="print the events of --seed")
    return parser.parse_args()


def told(outcome: Outcome) -> str:
    seen = ", ".join(f"{count} {what}" for what, count in sorted(outcome.seen.items()))
    return f"seed {outcome.seed} keeps every promise: {seen}; fingerprint {outcome.fingerprint:08x}"


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def complaint(outcome: Outcome) -> str:
    """What was found, and how to have it again."""
    return (
        f"seed {outcome.seed}: {outcome.failure}\n"
        f"  again: .venv/bin/python -m tests.simulation --seed {outcome.seed} -v"
    )


def long_run(seeds: range, processes: int) -> list[int]:
    """Run all; the seeds that fail."""
    began, seen, bad = time.monotonic(), Counter[str](), []
    with ProcessPoolExecutor(processes) as pool:
        for done, outcome in enumerate(pool.map(run, seeds, chunksize=8), 1):
            seen.update(outcome.seen)
            if outcome.failure is not None:
                bad.append(outcome.seed)
                say(complaint(outcome))
            if done % 500 == 0 or done == len(seeds):
                say(f"{done} of {len(seeds)}, {len(bad)} fail, {time.monotonic() - began:.0f} s")
    say(", ".join(f"{count} {what}" for what, count in sorted(seen.items())))
    return bad


if __name__ == "__main__":
    main()
