"""ayl, as any app has it; but a machine that others keep busy is no reason here to give a server up."""

import os

import ayl
from benchmarks.peers.nothing import nothing

ayl.configure(app="measured", version="1", engine=os.environ["FRAMEWORKS_SERVER"], timeout=60.0, send_timeout=60.0)
task = ayl.task("nothing")(nothing)


def send() -> None:
    """One call."""
    ayl.send(task, 1, "a")


def send_many(count: int) -> None:
    """Calls that leave together."""
    with ayl.batch():
        for _ in range(count):
            ayl.send(task, 1, "a")
