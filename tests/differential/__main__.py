"""The long run, and the replay of a seed: python -m tests.differential --seeds 0:1000 --steps 400."""

from __future__ import annotations

import argparse
import sys
import time

from .report import complaint
from .runs import run
from .settings import settings


def main() -> None:
    """The command."""
    options = _parse()
    first, _, end = options.seeds.partition(":")
    seeds = range(int(first), int(end)) if end else range(int(first), int(first) + 1)
    began, steps, bad = time.monotonic(), 0, []
    for done, seed in enumerate(seeds, 1):
        outcome = run(settings(seed), seed, options.steps)
        steps += len(outcome.entries)
        if not outcome.fair:
            bad.append(seed)
            _say(complaint(seed, options.steps, outcome, shorten=not options.whole))
        if done % 10 == 0 or done == len(seeds):
            seconds = time.monotonic() - began
            _say(f"{done} of {len(seeds)} seeds, {steps} steps, {len(bad)} differ, {seconds:.0f} s")
    if bad:
        sys.exit(f"different: {' '.join(map(str, bad))}")


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.differential", description=__doc__)
    parser.add_argument("--seed", "--seeds", dest="seeds", default="0:100", help="one, or from:to (without the last)")
    parser.add_argument("--steps", type=int, default=400, help="at most so many for each seed")
    parser.add_argument("--whole", action="store_true", help="do not shorten what differs")
    return parser.parse_args()


if __name__ == "__main__":
    main()
