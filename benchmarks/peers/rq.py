"""RQ."""

import os

from redis import Redis
from rq import Queue

TASK = "benchmarks.peers.nothing.nothing"
ARGUMENTS = (1, "a")
BATCH = 1000

queue = Queue("measured", connection=Redis.from_url(os.environ["FRAMEWORKS_SERVER"]))


def send() -> None:
    """One call."""
    queue.enqueue(TASK, args=ARGUMENTS, result_ttl=0, description="")


def send_many(count: int) -> None:
    """Calls that leave in pipelines."""
    for begin in range(0, count, BATCH):
        calls = min(BATCH, count - begin)
        queue.enqueue_many(
            [Queue.prepare_data(TASK, args=ARGUMENTS, result_ttl=0, description="") for _ in range(calls)]
        )
