"""The long run: `python -m tests.crashes --kills 100 --seed 1`."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from .campaign import Campaign
from .servers import Place

if TYPE_CHECKING:
    from collections.abc import Callable

LIVES: list[Callable[[Campaign], None]] = [
    lambda campaign: campaign.live(campaign.kill),
    lambda campaign: campaign.die_in_a_call(),
    lambda campaign: campaign.live(campaign.stop),
    lambda campaign: campaign.die_while_starting(),
]


def main() -> None:
    """Until so many kills have been survived."""
    parser = argparse.ArgumentParser(prog="tests.crashes", description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--commands", type=int, default=6000, help="between two ends, at most")
    parser.add_argument("--owners", type=int, default=3)
    words = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ayl-crashes-") as folder:
        campaign = Campaign(Place(Path(folder)), words.seed, owners=words.owners, most_commands=words.commands)
        begun = time.monotonic()
        while campaign.figures.kills + campaign.figures.own_deaths < words.kills:
            life = campaign.chance.choices(LIVES, [45, 35, 10, 10])[0]
            life(campaign)
            sys.stdout.write(f"{time.monotonic() - begun:.0f} s: {campaign.figures}\n")
            sys.stdout.flush()
        campaign.judge()
    sys.stdout.write(f"All is well. Seed {words.seed}: {campaign.figures}\n")


if __name__ == "__main__":
    main()
