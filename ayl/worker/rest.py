"""A call that every worker knows, and that does nothing: `ayl_beanstalk put_sleep_job` keeps a worker busy with it."""

import time

from ayl.registry import registry

NAME = "ayl.sleep"

STEP_SECONDS = 1.0
"""After which a call that is to end is ended."""


def sleep(seconds: float) -> None:
    """Return after so long."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        time.sleep(min(left, STEP_SECONDS))


def declare() -> None:
    """Let messages name it. Workers do this alone, so no app's allow-list has it by itself."""
    registry.add_task(sleep, NAME)
