"""How the command ends: the numbers that init scripts have (LSB)."""

import enum
from collections.abc import Mapping
from types import MappingProxyType


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


MEANINGS: Mapping[int, str] = MappingProxyType(
    {
        Exit.DONE: "done; also when there was nothing to do",
        Exit.FAILED: "what was asked could not be done, of one daemon at least",
        Exit.USAGE: "the command line is wrong",
        Exit.NOT_PERMITTED: "another user (root, mostly) may do it",
        Exit.NOT_CONFIGURED: "the file of configuration is wrong or missing: nothing was done",
        Exit.INTERRUPTED: "interrupted",
    }
)


def codes(meanings: Mapping[int, str]) -> str:
    """As a help text has them. `\\b` keeps click from filling the lines."""
    return "\n".join(("\b", "Exit codes:", *(f"{code:5}  {meaning}" for code, meaning in meanings.items())))


def epilog(*examples: str, meanings: Mapping[int, str] = MEANINGS) -> str:
    """What stands below the options of a command."""
    return "\n".join(("\b", "Examples:", *(f"  {example}" for example in examples), "", codes(meanings)))
