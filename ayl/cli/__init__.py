"""The commands: click, one file per command family, and what all of them share."""

import enum
import os


class ExitCode(enum.IntEnum):
    """How a command ends."""

    OK = 0
    REFUSED = 1
    """Nothing broke, but what was asked could not be done."""
    USAGE = 2
    """The command line was wrong (click's number)."""
    UNAVAILABLE = os.EX_UNAVAILABLE
    """No server answers (69)."""
    INTERRUPTED = 130
    """Ctrl-C: what was done until then is told (128 and the signal's number, as shells have it)."""
