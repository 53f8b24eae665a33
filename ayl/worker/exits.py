"""What the exit codes of `ayl_worker` and of its worker processes mean, in one table."""

import signal

OK = 0
NO_APP = 64
"""There is no application: no module to import, or no directory to import it from (sysexits EX_USAGE)."""
CRASH_LOOP = 70
"""Workers died at their start again and again (sysexits EX_SOFTWARE)."""
CUT = 75
"""Calls were cut off at the end of the grace and their jobs given back, to be made again (sysexits EX_TEMPFAIL)."""
CONFIG = 78
"""The app cannot be loaded or its settings make no sense: another start would end the same (sysexits EX_CONFIG)."""
RETIRED = 79
"""This worker was ordered to end, and none is to take its place."""
EMPTY = 80
"""This worker was to end once nothing was ready any more, and none is to take its place."""

QUIET = 83
"""This worker was ordered to end, and none is to take its place until the supervisor is told to resume."""

STUCK = 84
"""This worker could not go on: a slot waited for a server without end, or a thread of ours died. It is replaced."""

OVERRAN = 81
"""A call could not be interrupted at its time to run. Another worker is started at once."""

LEFT = frozenset({RETIRED, EMPTY})
"""Of workers whose place stays empty."""

HOPELESS = frozenset({CRASH_LOOP, CONFIG})
"""Of workers of which another would end the same."""

_WORDS = {
    OK: "ended",
    CRASH_LOOP: "gave up",
    CUT: "cut off its call and gave the job back",
    CONFIG: "could not start",
    RETIRED: "retired",
    EMPTY: "found nothing more to do",
    QUIET: "is quiet",
    STUCK: "could not go on",
    OVERRAN: "ended for a call that overran",
}


def told(code: int, memory: int) -> str:
    """How a worker process ended, for the log; of one that a signal killed the code is negative.

    `memory`: bytes that it had at most, which may be the reason.
    """
    return _WORDS[code] if code in _WORDS else death(code, memory)


def death(code: int, memory: int) -> str:
    """The same where it was not to end, whatever its code."""
    how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
    return f"{_WORDS.get(code, how)}; at most {memory / 1024**2:.0f} MB of it were in memory"
