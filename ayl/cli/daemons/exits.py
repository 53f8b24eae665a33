"""How the command ends: the numbers that init scripts have (LSB)."""

import enum


class Exit(enum.IntEnum):
    """Those of every command but `status`."""

    DONE = 0
    FAILED = 1
    """What was asked could not be done."""
    USAGE = 2
    """The command line was wrong (click's number, too)."""
    NOT_PERMITTED = 4
    """Another user may do it."""
    NOT_CONFIGURED = 6
    """The file of configuration is wrong, or missing."""
    INTERRUPTED = 130
    """Ctrl-C (128 and the signal's number, as shells have it)."""
