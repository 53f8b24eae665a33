"""What this process is and may do: facts for the statistics, limits, the user it runs as, the garbage collector."""

import gc
import os
import resource
from collections.abc import Callable
from contextlib import suppress

from ayl_server.model import BinlogFacts, ProcessFacts

GC_THRESHOLDS = (20_000, 1_000_000, 1_000_000)
"""Jobs come and go without cycles, so the collector would search all of them for nothing, and a million take it a tenth
of a second. It looks through new objects only (a millisecond); see `collect_when_calm` for the rest.
"""

CALM_JOBS = 50_000
"""Up to so many jobs a whole collection is short."""


def facts_of_this_process(binlog: Callable[[], BinlogFacts]) -> Callable[[], ProcessFacts]:
    """What changes is asked for anew each time."""
    system = os.uname()
    instance = os.urandom(8).hex()

    def facts() -> ProcessFacts:
        usage = resource.getrusage(resource.RUSAGE_SELF)
        return ProcessFacts(
            pid=os.getpid(),
            user_seconds=usage.ru_utime,
            system_seconds=usage.ru_stime,
            instance=instance,
            hostname=system.nodename,
            os=system.version,
            platform=system.machine,
            binlog=binlog(),
        )

    return facts


def allow_many_files() -> None:
    """As many connections as the system lets us have: the soft limit is usually set with `select` in mind."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):  # some systems have a hard limit that they do not grant
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def settle_collector() -> None:
    """What was made until now stays for good; the collector need not look at it again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)


def collect_when_calm(jobs: int) -> None:
    """Find what closed connections have left behind (asyncio's transports are cycles), if that takes no time."""
    if jobs <= CALM_JOBS:
        gc.collect()
