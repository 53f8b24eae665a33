"""Who changes which daemon when."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from ayl.daemons.turns import Turns
from tests.processes.deadline import PATIENCE

if TYPE_CHECKING:
    from pathlib import Path

CHANGE = """
import sys
from ayl.daemons.control.rounds import our_turns
from ayl.daemons.spec.model import Daemon, Kind
daemons = [Daemon(name, Kind.COMMAND, (), "/") for name in sys.argv[2:]]
for _ in range(300):
    with our_turns(daemons, sys.argv[1], lambda name, pid: None) as (ours, refused):
        assert (ours, refused) == (daemons, [])
"""

LOOK = """
import fcntl, sys, zlib
file = open(sys.argv[1] + "/lock", "r+")
for name in sys.argv[2:]:
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, zlib.crc32(name.encode()))
        print(name)
    except BlockingIOError:
        pass
"""


def free(directory: Path, *names: str) -> list[str]:
    """Those whose turn another process could have."""
    words = [sys.executable, "-c", LOOK, str(directory), *names]
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout.split()


def test_two_that_know_them_in_different_orders_do_not_wait_for_each_other_for_ever(tmp_path: Path) -> None:
    orders = (("a", "b", "c"), ("c", "b", "a"))
    both = [subprocess.Popen([sys.executable, "-c", CHANGE, str(tmp_path), *names]) for names in orders]
    try:
        assert [process.wait(PATIENCE) for process in both] == [0, 0]
    finally:
        for process in both:
            process.kill()
            process.wait()


def test_all_turns_of_a_process_are_given_up_together_and_none_before(tmp_path: Path) -> None:
    with Turns(str(tmp_path)) as turns:
        turns.take("a", print)
        turns.take("b", print)
        assert free(tmp_path, "a", "b", "c") == ["c"]
    assert free(tmp_path, "a", "b", "c") == ["a", "b", "c"]
