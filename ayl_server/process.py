"""What this process is and may do: facts for the statistics, its user, limits, event loop and garbage collector."""

import asyncio
import gc
import os
import pwd
import resource
from collections.abc import Callable
from contextlib import suppress
from typing import cast

from ayl_server.exits import NO_SUCH_USER, StartError
from ayl_server.model import BinlogFacts, ProcessFacts

GC_THRESHOLDS = (20_000, 1_000_000, 1_000_000)
"""Jobs come and go without cycles, so the collector would search all of them for nothing, and a million take it a tenth
of a second. It looks through new objects only (a millisecond); see `collect_when_calm` for the rest.
"""

CALM_SECONDS = 60.0
"""Between two looks whether a whole collection would be short."""

CALM_JOBS = 50_000
"""Up to so many jobs a whole collection is short."""

LEFTOVERS = 20_000
"""So many closed connections, of a kilobyte each, are worth a long one."""


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


def become(user: str) -> None:
    """Give up whatever rights this process was started with. beanstalkd keeps the supplementary groups."""
    try:
        entry = pwd.getpwnam(user)
    except KeyError:
        raise StartError(NO_SUCH_USER, "no_such_user", f"there is no user {user}") from None
    if os.geteuid() == os.getuid() == entry.pw_uid != 0:
        return
    try:
        os.initgroups(entry.pw_name, entry.pw_gid)
        os.setgid(entry.pw_gid)
        os.setuid(entry.pw_uid)
    except PermissionError:
        raise StartError(NO_SUCH_USER, "no_such_user", f"only root can become {user}") from None


def allow_many_files() -> None:
    """As many connections as the system lets us have: the soft limit is usually set with `select` in mind."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):  # some systems have a hard limit that they do not grant
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def free_descriptors() -> int:
    """How many more files this process may open."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    # One of those listed is the list itself.
    return (2**31 if soft == resource.RLIM_INFINITY else soft) - len(os.listdir("/dev/fd")) + 1  # noqa: PTH208 - names


def new_loop(*, force_asyncio: bool) -> asyncio.AbstractEventLoop:
    """uvloop's where that is installed, unless told otherwise."""
    if not force_asyncio:
        try:
            import uvloop
        except ImportError:
            pass
        else:
            return cast(asyncio.AbstractEventLoop, uvloop.new_event_loop())
    return asyncio.new_event_loop()


def tame_collector() -> None:
    """From now on the collector looks through new objects only."""
    gc.set_threshold(*GC_THRESHOLDS)


def settle_collector(jobs: int) -> None:
    """What was made until now stays for good; the collector need not look at it again."""
    collect_when_calm(jobs, 0)
    gc.freeze()


def collect_when_calm(jobs: int, closed: int) -> bool:
    """Find what closed connections have left behind, if that takes no time, or if it may be much; whether it was done.

    `closed` is how many have been since it was done. asyncio's transports are cycles; uvloop's are not.
    """
    calm = jobs <= CALM_JOBS or closed >= LEFTOVERS
    if calm:
        gc.collect()
    return calm
