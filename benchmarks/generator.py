"""The load generator: a process of its own on a core of its own. `measure` starts one, reads its result."""

import argparse
import dataclasses
import gc
import json
import os
import subprocess
import sys
from pathlib import Path

from benchmarks.connection import Watch
from benchmarks.loads import LOADS, Target
from benchmarks.meter import Sample
from benchmarks.wire import WrongReplyError

ROOT = Path(__file__).parent.parent
LIMIT_SECONDS = 120


def measure(load: str, target: Target, commands: int, core: int, *, sleep: bool) -> Sample:
    """Drive a load from a new process. Raises WrongReplyError when the replies were not as they should be."""
    order = [load, target.port, target.pid, commands, core, int(sleep)]
    ended = subprocess.run(
        [sys.executable, "-m", "benchmarks.generator", *map(str, order)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        timeout=LIMIT_SECONDS,
        check=False,
    )
    if ended.returncode:
        raise WrongReplyError(f"{load}: the generator ended with status {ended.returncode}")
    return Sample(**json.loads(ended.stdout))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("load", choices=LOADS)
    for name in ("port", "pid", "commands", "core", "sleep"):
        parser.add_argument(name, type=int)
    order = parser.parse_args()
    os.sched_setaffinity(0, {order.core})
    gc.disable()  # nothing here makes cycles, and the kept replies would be walked again and again
    try:
        target, watch = Target(order.port, order.pid), Watch(sleep=bool(order.sleep))
        sample = LOADS[order.load].drive(target, watch, order.commands)
    except WrongReplyError as error:
        sys.exit(f"{order.load}: {error}")
    json.dump(dataclasses.asdict(sample), sys.stdout)


if __name__ == "__main__":
    main()
