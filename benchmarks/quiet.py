"""Waiting for a machine that has nothing else to do: others use it too, and a disturbed round says little."""

import os
import time

from benchmarks.meter import DISTURBED_SHARE, Account
from benchmarks.processes import Cores

SPIN_SECONDS = 0.05
REST_SECONDS = 0.5


class Patience:
    """So many seconds, in all, to be spent on waiting."""

    def __init__(self, cores: Cores, seconds: float) -> None:
        self._cores = cores
        self._left = seconds

    def wait(self) -> None:
        """Until both cores are free, or patience is at its end."""
        while self._left > 0 and not self._quiet():
            time.sleep(REST_SECONDS)
            self._left -= REST_SECONDS

    @property
    def left(self) -> bool:
        return self._left > 0

    def _quiet(self) -> bool:
        """Whether this process is given each core when it wants it."""
        usual = os.sched_getaffinity(0)
        try:
            return all(queued_share(core) < DISTURBED_SHARE for core in (self._cores.server, self._cores.generator))
        finally:
            os.sched_setaffinity(0, usual)


def queued_share(core: int) -> float:
    os.sched_setaffinity(0, {core})
    before, began = Account.of(os.getpid()).queued_seconds, time.perf_counter()
    while (spent := time.perf_counter() - began) < SPIN_SECONDS:
        pass
    return (Account.of(os.getpid()).queued_seconds - before) / spent
