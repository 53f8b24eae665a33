"""The benchmarks still run, each with as little work as it knows, and print a figure for all that they measure.

How large the figures are is not looked at here.
"""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests.pages import ROOT
from tests.processes.servers import environment

SENDS = ["greenstalk's bare put", "Work.ayl_send(…)", "ayl.send(function, …)"]
BATCHED = ["Work.ayl_send(…) in a batch", "the same, signed", "the same, signed, in a batch"]
CALLS = ["sent one by one", "sent in a batch", "drained"]

ROWS = {
    "sending.py --calls 20 --repeat 2 --no-awake": [*SENDS, *BATCHED],
    "sending.py --ready --repeat 1": SENDS,
    "calls.py --calls 50 --repeat 1 --no-awake": [
        *(f"static method {what}" for what in (*CALLS, "latency p50, us", "latency p99, us")),
        *(f"bare greenstalk {what}" for what in ("sent one by one", "drained")),
        *(f"SQLAlchemy instance {what}" for what in CALLS),
    ],
    "worker.py --calls 2000 --rounds 1 --rest 0.01": [
        "1,000 coroutines that sleep 1 s each, s",
        "100 threads that sleep 1 s each, s",
        "idle: resident, MB",
        "idle: proportional, MB",
    ],
    "daemons.py --groups 2 --rounds 1": [
        "start, 2 groups of 2 processes, s",
        "status, median, s",
        "status, slowest, s",
        "a keeper: resident, MB",
        "restart of one group, s",
        "stop, s",
    ],
    "server.py --quick --repeat 1 --patience 0 --loads put-200 --servers ayl_server": ["put, 200 per write ayl_server"],
}
"""What is run, and what stands before the figures of each row."""


@pytest.mark.parametrize("command", ROWS)
def test_a_benchmark_runs_and_has_a_figure_in_each_row(command: str) -> None:
    program, *options = command.split()
    done = subprocess.run(
        [sys.executable, f"benchmarks/{program}", *options],
        cwd=ROOT, env=environment(), capture_output=True, text=True, check=False, timeout=100,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    printed = done.stdout.replace(" | ", "  ")
    rows = re.findall(r"^(?:  |\| )(\S.*?)  +([\d.,]+)(?:  | us)", printed, re.MULTILINE)
    assert [re.sub(" +", " ", name) for name, _ in rows] == ROWS[command]
    assert all(float(figure.replace(",", "")) > 0 for _, figure in rows)
