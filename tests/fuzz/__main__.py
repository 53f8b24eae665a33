"""The long run: python -m tests.fuzz protocol --seconds 600, or binlog, or salvage.

With atheris (pip install atheris; for Pythons that it has wheels for) new branches of the server's code guide the
search. Without it, chance does: then a failure names its seed, and --seed repeats it. What atheris finds it keeps in
a file, and --replay repeats that.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import random
import sys
import tempfile
import time
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from .choices import Choices

HELP = "atheris is not installed (pip install atheris): the run is a plain random one"

REPORT_SECONDS = 10
"""Between two signs of life."""

LONGEST = 4096
"""Bytes that atheris may think of for one example."""

BEGINNINGS = 30
"""Random examples to begin with."""


def main() -> None:
    """The command."""
    options = _parse()
    if options.replay is not None:
        from .choices import Decoded

        _targets()[options.target](Decoded(options.replay.read_bytes()))
        _say(f"{options.replay}: nothing is wrong")
    elif options.random or options.seed is not None or importlib.util.find_spec("atheris") is None:
        if not (options.random or options.seed is not None):
            _say(HELP)
        roll(options.target, options.seconds, options.seed)
    else:
        guided(options.target, options.seconds)


def roll(name: str, seconds: float, first: int | None) -> None:
    """Try seeds for so many seconds, or one that is given. Raises what the first one raises that fails."""
    from .choices import Rolled

    target = _targets()[name]
    seed = first if first is not None else time.time_ns() % 10**12
    began = told = time.monotonic()
    for tried in count(1):
        try:
            target(Rolled(random.Random(seed)))  # noqa: S311 - nothing secret
        except BaseException:
            _say(f"seed {seed} fails. Again: python -m tests.fuzz {name} --seed {seed}")
            raise
        now = time.monotonic()
        over = first is not None or now - began >= seconds
        if over or now - told >= REPORT_SECONDS:
            told = now
            _say(f"{tried} examples, up to seed {seed}, {now - began:.0f} s: nothing is wrong")
        if over:
            return
        seed += 1


def guided(name: str, seconds: float) -> None:
    """Let atheris look for branches of the server that nothing has taken yet. Does not return."""
    atheris: Any = importlib.import_module("atheris")
    with atheris.instrument_imports(include=["ayl_server"]):
        target = _targets()[name]
    from .choices import Decoded

    def one(data: bytes) -> None:
        target(Decoded(data))

    found = Path(tempfile.mkdtemp(prefix=f"fuzz-{name}-"))
    rng = random.Random(0)  # noqa: S311 - nothing secret
    for number in range(BEGINNINGS):  # alone it would try a few bytes at first, and those make no session
        (found / f"beginning-{number}").write_bytes(rng.randbytes(rng.randrange(100, LONGEST)))
    _say(f"what is found will be in {found}; again: python -m tests.fuzz {name} --replay FILE")
    limits = [f"-max_total_time={seconds:.0f}", f"-max_len={LONGEST}", "-len_control=0", f"-artifact_prefix={found}/"]
    atheris.Setup([sys.argv[0], *limits, str(found)], one)
    atheris.Fuzz()


def _targets() -> dict[str, Callable[[Choices], Any]]:
    """Only now: atheris watches what is imported under its eyes."""
    from .targets import TARGETS

    return TARGETS


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.fuzz", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("target", choices=["protocol", "binlog", "salvage"])
    parser.add_argument("--seconds", type=float, default=60, help="how long (default: 60)")
    parser.add_argument("--seed", type=int, help="this one alone, without atheris")
    parser.add_argument("--random", action="store_true", help="without atheris even if it is installed")
    parser.add_argument("--replay", type=Path, metavar="FILE", help="what atheris has found")
    return parser.parse_args()


if __name__ == "__main__":
    main()
