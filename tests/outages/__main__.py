"""The long run: `python -m tests.outages --kills 100 --seed 1`; at its end the figures for RESULTS.md."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from .campaign import Campaign
from .figures import table


def main() -> None:
    """Until the server was killed so many times."""
    parser = argparse.ArgumentParser(prog="tests.outages", description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--senders", type=int, default=6, help="processes at a time")
    words = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ayl-outages-") as folder:
        campaign = Campaign(Path(folder), words.seed, words.senders)
        begun = time.monotonic()
        try:
            while campaign.kills < words.kills:
                campaign.outage()
                sys.stdout.write(
                    f"{time.monotonic() - begun:.0f} s: kills {campaign.kills}, freezes {campaign.freezes}, "
                    f"senders killed {sum(sender.killed for sender in campaign.ended)}\n"
                )
                sys.stdout.flush()
            figures = campaign.judge()
        finally:
            campaign.close()
    sys.stdout.write(f"All is well. Seed {words.seed}.\n\n{table(figures, campaign.kills, campaign.freezes)}\n")


if __name__ == "__main__":
    main()
