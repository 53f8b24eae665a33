"""Huey. It has no way to send many at once."""

import os

from huey import RedisHuey

from benchmarks.peers.nothing import nothing

huey = RedisHuey("measured", url=os.environ["FRAMEWORKS_SERVER"], results=False)
task = huey.task()(nothing)


def send() -> None:
    """One call."""
    task(1, "a")
