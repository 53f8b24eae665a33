"""The long run: `python -m tests.chaos --calls 20000 --seed 1`; at its end the figures for RESULTS.md."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from math import inf
from pathlib import Path
from shutil import rmtree

from tests.processes.servers import KINDS

from .campaign import Campaign
from .crew import Manner
from .figures import table


def main() -> None:
    """Until so many calls have been made, and so much time has passed."""
    parser = argparse.ArgumentParser(prog="tests.chaos", description=__doc__)
    parser.add_argument("--calls", type=int, default=20000)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--minutes", type=float, default=0.0, help="spread the calls over this time")
    parser.add_argument("--workers", type=int, default=4, help="supervisors")
    parser.add_argument("--processes", type=int, default=2, help="worker processes of each supervisor")
    parser.add_argument("--words", default="", help='more of the command line of ayl_worker, as in "--threads 8"')
    parser.add_argument(
        "--ends-within", type=float, default=inf, help="seconds that a call may overrun its time to run"
    )
    parser.add_argument("--server", choices=[kind.name for kind in KINDS], default="ayl_server")
    words = parser.parse_args()
    (kind,) = (kind for kind in KINDS if kind.name == words.server)
    folder = Path(tempfile.mkdtemp(prefix="ayl-chaos-"))
    _say(f"seed {words.seed}, in {folder}")
    manner = Manner(words.processes, tuple(words.words.split()), words.ends_within)
    campaign = Campaign(folder, words.seed, kind, words.workers, [manner])
    try:
        figures = campaign.run(words.calls, 60 * words.minutes, _say)
    finally:
        campaign.close()
    rmtree(folder)  # it is kept for the reader of a failure
    sys.stdout.write(f"All is well. Seed {words.seed}, {words.server}.\n\n{table(figures)}\n")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
