"""What chores write, and what they wait for."""

from __future__ import annotations

import os
import time
from pathlib import Path

PATIENCE = 60.0
"""Seconds until a chore that waits gives up, so that none outlives its test for long."""


def write(folder: Path, word: str) -> None:
    """A line of the diary: one write, so that lines of several processes do not mix."""
    with Path(folder, "diary").open("ab", buffering=0) as diary:
        diary.write(f"{word} {os.getpid()}\n".encode())


def written(folder: Path, word: str) -> bool:
    """Whether the diary has the word already."""
    diary = Path(folder, "diary")
    return diary.exists() and f"{word} " in diary.read_text()


def wait_for(path: Path) -> None:
    """Wait until the test makes this file."""
    give_up = time.monotonic() + PATIENCE
    while not path.exists():
        if time.monotonic() > give_up:
            raise TimeoutError(f"{path} does not appear")
        time.sleep(0.005)
