"""Many worker groups on one machine: what their keepers cost, and how long operators wait.

.venv/bin/python benchmarks/daemons.py --groups 50
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

COMMAND = (sys.executable, "-P", "-m", "ayl.cli.daemons")

APP = """
import ayl

ayl.configure(app="plant", version="1.0")


@ayl.task
def water() -> None:
    pass
"""

CONFIGURATION = """
directories: {{run: {folder}/run, log: {folder}/log, state: {folder}/state}}
server:
  listen: ["unix:{folder}/socket"]
  binlog: none
applications:
  plant:
    path: {folder}
    modules: [plant]
    engine: beanstalk://{folder}/socket
    patience: 10m
    groups:
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--groups", type=int, default=50, help="of two processes each")
    parser.add_argument("--rounds", type=int, default=9, help="of `status`")
    given = parser.parse_args()
    with TemporaryDirectory(prefix="ayl-") as folder:
        Path(folder, "plant.py").write_text(APP)
        groups = "".join(f"      bed{number}: {{workers: 2}}\n" for number in range(given.groups))
        path = Path(folder, "daemons.yml")
        path.write_text(CONFIGURATION.format(folder=folder) + groups)
        try:
            measure(path, given.groups, given.rounds)
        finally:
            ran(path, "stop")


def measure(path: Path, groups: int, rounds: int) -> None:
    tell(f"start, {groups} groups of 2 processes, s", ran(path, "start")[0])
    looks = [ran(path, "status", "--json") for _ in range(rounds)]
    tell("status, median, s", statistics.median(seconds for seconds, _ in looks))
    tell("status, slowest, s", max(seconds for seconds, _ in looks))
    daemons = json.loads(looks[-1][1])
    keepers = [resident(daemon["keeper"]) for daemon in daemons]
    tell("a keeper: resident, MB", statistics.median(keepers) / 1e6)
    tell("restart of one group, s", ran(path, "restart", "plant.bed0")[0])
    tell("stop, s", ran(path, "stop")[0])


def ran(path: Path, *words: str) -> tuple[float, str]:
    """Seconds, and what it said."""
    began = time.monotonic()
    done = subprocess.run([*COMMAND, *words, "--config", str(path)], check=True, stdout=subprocess.PIPE, text=True)
    return time.monotonic() - began, done.stdout


def resident(pid: int) -> int:
    """Bytes."""
    status = Path(f"/proc/{pid}/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) * 1024


def tell(what: str, figure: float) -> None:
    print(f"  {what:42}  {figure:8.2f}  ", flush=True)


if __name__ == "__main__":
    main()
