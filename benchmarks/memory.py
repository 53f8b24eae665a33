"""How much memory processes have."""

from collections.abc import Iterable
from pathlib import Path


def used_bytes(pid: int) -> int:
    """The proportional set: pages shared with others count by their share, so libraries do not blur it."""
    return _sum(pid, "Pss:")


def resident_bytes(pids: Iterable[int]) -> int:
    """The resident sets, as tools show them: pages that processes share count for each."""
    return sum(_sum(pid, "Rss:") for pid in pids)


def _sum(pid: int, name: str) -> int:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1]) * 1024
    raise ValueError(f"process {pid} has no memory")
