"""The processes of slots, children of a worker, as a test sees them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import ayl

from .app import chores

if TYPE_CHECKING:
    from .workshop import Supervisor, Workshop


def children(supervisor: Supervisor) -> list[int]:
    """The pids of all processes that slots ever had."""
    return [int(line.split()[-4]) for line in supervisor.logs(r"started process \d+ for a slot$")]


def lives(pid: int) -> bool:
    """Whether the process has not ended; a zombie has."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def held(workshop: Workshop, word: str) -> int:
    """A call that runs; the pid of its process."""
    ayl.send(chores.hold, workshop.folder, word)
    return workshop.read(f"{word}-begins").pid
