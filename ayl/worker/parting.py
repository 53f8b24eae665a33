"""The end of a process that cannot wait for its calls.

A call that was cut off must not get any further, so nothing of Python's own end is run: no `finally` of that call, no
`atexit`. But what the calls before it have printed and logged stands in buffers, and must not be lost with it; nor may
a call that is on its way from the spool to the server be put twice.
"""

import logging
import os
import sys
from contextlib import suppress
from threading import Thread
from typing import NoReturn

from ayl.worker import deliveries

SECONDS = 0.5
"""For all of that. What was cut off may hold a lock that it needs."""


def part(code: int) -> NoReturn:
    """End this process, with that exit code."""
    try:
        last = Thread(target=_tidy, name="ayl parts", daemon=True)
        last.start()
        last.join(SECONDS)
    finally:
        os._exit(code)


def _tidy() -> None:
    deliveries.end()
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):  # closed, replaced by the app, or nobody reads it any more
            stream.flush()
    logging.shutdown()
