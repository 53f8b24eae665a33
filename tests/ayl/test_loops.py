"""The loop of a process's coroutines, and its children."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import asyncio, os, signal, sys
from ayl import loops, references

references.SPAWNERS.append(lambda cls: None)  # as an asynchronous ORM does: from then on all share one loop


async def compute():
    await asyncio.get_running_loop().run_in_executor(None, int)


loops.run(compute())
child = os.fork()
signal.alarm(10)
if child == 0:
    loops.run(compute())
    print("child", flush=True)
    sys.exit(0)
ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
loops.run(compute())
print("parent", ended)
"""


def test_a_forked_child_runs_coroutines_and_leaves_its_parents_loop_alone() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=30, check=False)
    assert (done.stdout, done.stderr, done.returncode) == ("child\nparent 0\n", "", 0)
