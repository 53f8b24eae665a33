"""Dramatiq."""

import os

import dramatiq
from dramatiq.brokers.redis import RedisBroker

from benchmarks.peers.nothing import nothing

dramatiq.set_broker(RedisBroker(url=os.environ["FRAMEWORKS_SERVER"]))
actor = dramatiq.actor(nothing)


def send() -> None:
    """One call."""
    actor.send(1, "a")


def send_many(count: int) -> None:
    """Calls as a group."""
    dramatiq.group([actor.message(1, "a") for _ in range(count)]).run()
