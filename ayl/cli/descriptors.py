"""The standard descriptors of a command that starts processes which stay."""

from __future__ import annotations

import os
import sys


def open_closed() -> None:
    """Those that whoever has started us has closed lead to /dev/null: else the next file that is opened would be taken
    for our input, or for our output.
    """
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # it takes the least number that is free
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115 - ours to the end
