"""The load generator: a process of its own on a core of its own. `measure` starts one, reads its result."""

import argparse
import gc
import json
import os
import subprocess
import sys
from pathlib import Path

from benchmarks.connection import Watch
from benchmarks.loads import LOADS
from benchmarks.loads.model import Outcome, Target
from benchmarks.processes import Cores, Server, allow_many_files
from benchmarks.wire import WrongReplyError

ROOT = Path(__file__).parent.parent
LIMIT_SECONDS = 300


def measure(load: str, server: Server, amount: int, cores: Cores, *, sleep: bool) -> Outcome:
    """Drive a load from a new process. Raises WrongReplyError when the replies were not as they should be."""
    order = [load, server.port, server.process.pid, cores.server, cores.generator, amount, int(sleep)]
    ended = subprocess.run(
        [sys.executable, "-m", "benchmarks.generator", *map(str, order)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        timeout=LIMIT_SECONDS,
        check=False,
    )
    if ended.returncode:
        raise WrongReplyError(f"{load}: the generator ended with status {ended.returncode}")
    return Outcome.from_dict(json.loads(ended.stdout))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("load", choices=LOADS)
    for name in ("port", "pid", "server_core", "core", "amount", "sleep"):
        parser.add_argument(name, type=int)
    order = parser.parse_args()
    os.sched_setaffinity(0, {order.core})
    allow_many_files()
    gc.disable()  # nothing here makes cycles, and the kept replies would be walked again and again
    try:
        target, watch = Target(order.port, order.pid, order.server_core), Watch(sleep=bool(order.sleep))
        outcome = LOADS[order.load].drive(target, watch, order.amount)
    except WrongReplyError as error:
        sys.exit(f"{order.load}: {error}")
    json.dump(outcome.to_dict(), sys.stdout)


if __name__ == "__main__":
    main()
