"""Celery."""

import os

from celery import Celery

from benchmarks.peers.nothing import nothing

app = Celery("measured", broker=os.environ["FRAMEWORKS_SERVER"])
app.conf.update(
    task_ignore_result=True,
    worker_prefetch_multiplier=128,  # "Optimizing", prefetch limits: many short tasks
    worker_disable_rate_limits=True,
    task_store_errors_even_if_ignored=False,
    broker_connection_retry_on_startup=True,
)
task = app.task(nothing, name="nothing")


def send() -> None:
    """One call."""
    task.delay(1, "a")


def send_many(count: int) -> None:
    """Calls that share a producer."""
    with app.producer_or_acquire() as producer:
        for _ in range(count):
            task.apply_async((1, "a"), producer=producer)
