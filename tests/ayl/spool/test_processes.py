"""Several processes fill the spool and empty it at once, and are killed at random moments."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from itertools import count
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from ayl.engines.spool.draining import PORTION
from ayl.engines.spool.store import Spool

from .hand import BATCH

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[3]
KILLS = 25


class Crowd:
    """The processes of one spool."""

    def __init__(self, folder: Path, directory: Path) -> None:
        self.folder = folder
        self.directory = directory
        self.put = folder / "put"
        self.names: Iterator[int] = count()
        self.running: list[tuple[str, subprocess.Popen[bytes]]] = []
        self.killed: Counter[str] = Counter()

    def begin(self, what: str) -> None:
        name = f"{what}{next(self.names)}"
        path = self.put if what == "drain" else self.folder / f"{name}.accepted"
        words = [sys.executable, "-m", "tests.ayl.spool.hand", what, str(self.directory), name, str(path)]
        self.running.append((what, subprocess.Popen(words, cwd=ROOT)))

    def kill(self, place: int) -> str:
        what, process = self.running.pop(place)
        assert process.poll() is None, f"{what} ended by itself with {process.returncode}"
        process.kill()
        process.wait()
        self.killed[what] += 1
        return what

    def accepted(self) -> list[str]:
        return [line for path in self.folder.glob("*.accepted") for line in path.read_text().splitlines()]


def test_no_accepted_call_is_lost_or_overtaken_whoever_is_killed_when(tmp_path: Path, directory: Path) -> None:
    crowd, chance = Crowd(tmp_path, directory), Random(1)  # noqa: S311 - the same choices every time, no secrets
    for what in ("append", "append", "append", "drain", "drain"):
        crowd.begin(what)
    try:
        for _ in range(KILLS):
            time.sleep(chance.uniform(0.1, 0.4))
            crowd.begin(crowd.kill(chance.randrange(len(crowd.running))))
        while "append" in [what for what, _ in crowd.running]:
            crowd.kill([what for what, _ in crowd.running].index("append"))
        give_up = time.monotonic() + 60
        while any(file.waiting for file in Spool(str(directory), 1).look()):
            assert time.monotonic() < give_up, "never delivered"
            time.sleep(0.05)
    finally:
        while crowd.running:
            crowd.kill(0)
    accepted, put = crowd.accepted(), crowd.put.read_text().splitlines()
    copies = Counter(put)
    assert len(accepted) > 300
    assert len([*directory.glob("*.damaged")]) == 0
    assert not set(accepted) - copies.keys(), "lost"
    assert len(copies.keys() - {*accepted}) <= crowd.killed["append"] * BATCH, "delivered, and nobody sent it"
    assert sum(copies.values()) - len(copies) <= crowd.killed["drain"] * PORTION[0], "more doubles than killed puts"
    latest: dict[str, int] = {}
    for call in copies:  # in the order of their first copies
        name, number = call.split(":")
        assert int(number) > latest.get(name, -1), "overtaken"
        latest[name] = int(number)
